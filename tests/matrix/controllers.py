"""The neutral controllers: every debugger as a `Debugger`.

How to add one: a class with the members of `Debugger`, and a line in `FLAVOURS`.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from mtedbg.shell.gdbmi import Command, DebuggerError
from tests.matrix.gdb_words import GdbWords
from tests.matrix.record import RefusedError
from tests.support import gdb_session, lldb_session

_RESPONSE = re.compile(r"response: m0([0-9a-f])")
_TAG_LINE = re.compile(r"\): (0x[0-9a-f]+)")
# LLDB's names where they are others.
_LLDB_NAMES = {"x29": "fp", "x30": "lr"}


class GdbController(GdbWords):
    """A GDB over its machine interface."""

    def __init__(self, session: gdb_session.Session, *, by_packet: bool = False) -> None:
        self.session = session
        self.by_packet = by_packet

    def execute(self, line: str) -> str:
        """What a command prints."""
        try:
            return self.session.execute(line)
        except DebuggerError as error:
            raise RefusedError(str(error)) from None

    def ended(self, begun: Command) -> str:
        """What a command that was begun has printed, at its end."""
        try:
            return self.session.wait(begun)
        except DebuggerError as error:
            raise RefusedError(str(error)) from None

    def to_next_fault(self) -> None:
        """Lets the program run to its next SIGSEGV."""
        stop = self.session.resume("continue")
        assert stop.signal == "SIGSEGV", stop


class LldbController:
    """An LLDB."""

    def __init__(self, session: lldb_session.Session, *, by_packet: bool = False) -> None:
        self.session = session
        self.by_packet = by_packet

    def execute(self, line: str) -> str:
        """What a command prints."""
        try:
            return self.session.execute(line)
        except DebuggerError as error:
            raise RefusedError(str(error)) from None

    def to_next_fault(self) -> None:
        """Lets the program run to its next SIGSEGV."""
        printed = self.session.execute("continue")
        assert "stop reason = signal SIGSEGV" in printed, printed

    def registers(self, names: list[str]) -> dict[str, int]:
        """Of the selected thread."""
        theirs = [_LLDB_NAMES.get(name, name) for name in names]
        values = self.session.python(
            f"[lldb.frame.FindRegister(name).GetValueAsUnsigned() for name in {theirs}]"
        )
        return dict(zip(names, values, strict=True))

    def read(self, address: int, length: int) -> bytes:
        """Memory."""
        with tempfile.NamedTemporaryFile() as file:
            span = f"{address:#x} {address + length:#x}"
            self.execute(f"memory read --force --binary --outfile {file.name} {span}")
            return Path(file.name).read_bytes()

    def tag(self, address: int) -> int:
        """An allocation tag; gdbserver and QEMU give none to LLDB's own command."""
        if self.by_packet:
            line = f"process plugin packet send qMemTags:{address:x},1:1"
            match = _RESPONSE.search(printed := self.execute(line))
        else:
            line = f"memory tag read {address:#x} {address + 16:#x}"
            match = _TAG_LINE.search(printed := self.execute(line))
        if match is None:
            raise RefusedError(printed)
        return int(match[1], 16)

    def symbol(self, name: str) -> int:
        """An address."""
        address = self.session.python(
            f"lldb.target.FindSymbols({name!r})[0].symbol.addr.GetLoadAddress(lldb.target)"
        )
        assert isinstance(address, int)
        return address

    def control(self) -> int:
        """Its control word: gdbserver's and QEMU's name for it, or LLDB's own."""
        found = self.registers(["tag_ctl", "mte_ctrl"])
        return found["tag_ctl"] or found["mte_ctrl"]
