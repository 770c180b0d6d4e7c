"""What is at the other end of LLDB's process, and packets to it."""

from __future__ import annotations

from enum import Enum

import lldb

from mtedbg.errors import ConnectionLostError

_ANSWER = "\nresponse: "
_SERVER_PLUGIN, _CORE_PLUGIN = "gdb-remote", "elf-core"


class Kind(Enum):
    """What serves the program to LLDB."""

    HOST = "LLDB's own lldb-server, on this machine"
    SERVER = "gdbserver, lldb-server or another"
    QEMU = "QEMU's stub"
    CORE = "core"
    OTHER = "other"


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

        LLDB has a command for it and no call. It prints the answer as a string of C, after it
        has undone escapes and run lengths; bytes that are no UTF-8 come as surrogates.

        Raises:
            ConnectionLostError: the server did not answer.
        """
        result = lldb.SBCommandReturnObject()
        context = lldb.SBExecutionContext(self._process)
        line = f"process plugin packet send {packet}"
        self._interpreter.HandleCommand(line, context, result)
        printed, found, answer = (result.GetOutput() or "").partition(_ANSWER)
        if not result.Succeeded() or not found:
            why = (result.GetError() or printed or "nothing").strip().splitlines()[-1]
            raise ConnectionLostError(f"the server does not answer: {why}", "connect again")
        if answer.endswith("\nerror: UNIMPLEMENTED\n") or answer == "\n":
            return b""
        return answer.removesuffix("\n").encode("utf-8", "surrogateescape")

    def read(self, question: str, offset: int, length: int) -> bytes | None:
        """Bytes [offset, offset + length) of a `qXfer` object; None where it is refused.

        It may hold zero bytes, at which what LLDB prints ends: it is asked again behind each.

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


def kind_of(process: lldb.SBProcess) -> Kind:
    """What is at the other end.

    QEMU tells itself by its own query, `qemu.sstepbits`: it has answered that since long before
    it knew memory tags, and every other server must answer a query that bears another vendor's
    name with an empty packet (GDB manual, "Remote Protocol: Overview"). No tag is asked for to
    find out: a wrong question would cost the connection or the program.
    """
    plugin = process.GetPluginName()
    if plugin == _CORE_PLUGIN:
        return Kind.CORE
    if plugin != _SERVER_PLUGIN:
        return Kind.OTHER
    if process.GetTarget().GetPlatform().GetName() == "host":
        return Kind.HOST
    is_qemu = Link(process).send("qqemu.sstepbits").startswith(b"ENABLE=")
    return Kind.QEMU if is_qemu else Kind.SERVER


def serves_tags(link: Link) -> bool:
    """Whether the server knows memory tags: the word stands in its answer to `qSupported`.

    LLDB has asked the same when it connected, and keeps the answer to itself. A server that is
    asked again answers again; what it is told of the debugger is the same as before: nothing
    that it would have to do otherwise.
    """
    return b"memory-tagging+" in link.send("qSupported:memory-tagging+").split(b";")
