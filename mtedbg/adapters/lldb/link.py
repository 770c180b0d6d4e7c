"""What is at the other end of LLDB's process, and packets to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import lldb

from mtedbg.adapters.debugger.host_files import is_traced_by_child
from mtedbg.adapters.debugger.peer import Peer
from mtedbg.adapters.remote.peer import server_kind
from mtedbg.errors import ConnectionLostError

_ANSWER = "\nresponse: "
# Servers may be asked this again, and what it tells them of the debugger changes nothing for LLDB.
_FEATURES = "qSupported:memory-tagging+"
_SERVER_PLUGIN, _CORE_PLUGIN = "gdb-remote", "elf-core"


class Link:
    """Packets to the server of a process.

    Args:
        process: of LLDB's plug-in for servers.
    """

    def __init__(self, process: lldb.SBProcess) -> None:
        self._process = process
        self._interpreter = process.GetTarget().GetDebugger().GetCommandInterpreter()

    def send(self, packet: str) -> bytes:
        """The server's answer to `packet`, up to its first zero byte; empty where it knows it not.

        Raises:
            ConnectionLostError: the server did not answer.
            KeyboardInterrupt: a person interrupted the command.
        """
        answer = self._ask(packet)
        # To LLDB, no answer at all is the same: what every server knows tells one from the other.
        if not answer and not self._ask(_FEATURES):
            raise ConnectionLostError("the server does not answer", "connect again")
        return answer

    def _ask(self, packet: str) -> bytes:
        """The answer, or nothing.

        LLDB has a command for it and no call. It prints the answer as a string of C, after it
        has undone escapes and run lengths; bytes that are no UTF-8 come as surrogates.
        """
        result = lldb.SBCommandReturnObject()
        context = lldb.SBExecutionContext(self._process)
        line = f"process plugin packet send {packet}"
        self._interpreter.HandleCommand(line, context, result)
        printed, found, answer = (result.GetOutput() or "").partition(_ANSWER)
        # From then on LLDB refuses every command, up to the end of the one that was typed.
        if not result.Succeeded() and self._interpreter.WasInterrupted():
            raise KeyboardInterrupt
        if not result.Succeeded() or not found:
            why = (result.GetError() or printed or "nothing").strip().splitlines()[-1]
            raise ConnectionLostError(f"the server does not answer: {why}", "connect again")
        if answer.endswith("\nerror: UNIMPLEMENTED\n") or answer == "\n":
            return b""
        return answer.removesuffix("\n").encode("utf-8", "surrogateescape")

    @contextmanager
    def thread(self, tid: int) -> Iterator[None]:
        """Has the server speak of the thread `tid` for a while.

        LLDB remembers of which one it speaks: it is put back behind LLDB's back.

        Raises:
            ConnectionLostError: the server did not answer, or knows no such thread.
        """
        before = self.send("qC")
        prefix, dot, _ = before.removeprefix(b"QC").decode("ascii", "replace").rpartition(".")
        # "pPROCESS.THREAD" where LLDB and the server speak of several processes.
        if not before.startswith(b"QC") or self.send(f"Hg{prefix}{dot}{tid:x}") != b"OK":
            raise ConnectionLostError(f"the server does not select thread {tid}", "connect again")
        try:
            yield
        finally:
            self.send(f"Hg{before[2:].decode('ascii', 'replace')}")

    def read(self, question: str, offset: int, length: int) -> bytes | None:
        """Bytes [offset, offset + length) of a `qXfer` object; None where it is refused.

        It may hold zero bytes, at which what LLDB prints ends: it is asked again after each.

        Args:
            question: "qXfer:siginfo:read:".
            offset: in the object.
            length: in bytes; each may cost a packet.

        Raises:
            ConnectionLostError: the server did not answer.
        """
        data = bytearray()
        while len(data) < length:
            answer = self.send(f"{question}:{offset + len(data):x},{length - len(data):x}")
            if answer[:1] not in (b"m", b"l"):
                return None
            data += answer[1 : 1 + length - len(data)]
            data += bytes(len(data) < length)
        return bytes(data)


def peer_of(process: lldb.SBProcess) -> Peer:
    """What is at the other end.

    LLDB's platform does not tell: it is "host" as well where somebody else's server is connected to
    before there is a target. The process of such a server may have any number here.
    """
    plugin = process.GetPluginName()
    if plugin == _CORE_PLUGIN:
        return Peer.CORE
    if plugin != _SERVER_PLUGIN:
        return Peer.OTHER
    if is_traced_by_child(process.GetProcessID(), os.getpid()):
        return Peer.HERE
    return server_kind(Link(process).send)


def serves_tags(link: Link) -> bool:
    """Whether the server knows memory tags: LLDB does not expose what the server said.

    Raises:
        ConnectionLostError: the server did not answer.
    """
    return b"memory-tagging+" in link.send(_FEATURES).split(b";")
