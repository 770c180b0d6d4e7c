"""What goes over GDB's machine interface, as plain data."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pygdbmi import gdbmiparser

from mtedbg.dataclass import dataclass, field
from mtedbg.errors import MtedbgError

Record = dict[str, Any]

_RECORD = re.compile(rb"\d*[~@&^*=+]|\(gdb\)")
_HIGH = re.compile(rb"[\x80-\xff]")
_COLORS = re.compile(r"\x1b\[[0-9;]*m")


class DebuggerError(MtedbgError):
    """The debugger answered a command with an error: what is wrong, then perhaps what to do.

    Args:
        text: as the debugger says it; lines after the first are taken for the next step.
        next_step: in place of those.
    """

    def __init__(self, text: str, next_step: str = "") -> None:
        first, _, rest = text.strip().partition("\n")
        super().__init__(first, next_step or rest)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the program stopped.

    Attributes:
        reason: MI's word, "signal-received", "breakpoint-hit", "exited-normally"…
        signal: the signal's name where it was one, or empty.
        output: what was printed by the command that ended with the stop.
    """

    reason: str
    signal: str
    output: str = ""

    @property
    def exited(self) -> bool:
        """Whether the program is gone."""
        return self.reason.startswith("exited")


class Listener:
    """Hears of what GDB says outside any command. This one does nothing about it."""

    def printed(self, text: str) -> None:
        """GDB, or a program that it started, has printed something."""

    def stopped(self, stop: Stop) -> None:
        """The program has stopped; a command may be under way, or none."""

    def died(self) -> None:
        """GDB is gone."""


def _ignore(*_: object) -> None:
    pass


@dataclass(slots=True, eq=False)
class Command:
    """A command that GDB was given.

    Attributes:
        token: of its own result.
        last: of the result that says that it is done with.
        ended: whether it is.
        lost: whether GDB died before that.
        error: what GDB refused it with.
        payload: of its result.
        warning: the last warning next to its output.
        stop: the program's last stop since it began.
        pieces: what it printed.
        on_output: called with everything that is said, as it comes.
        on_end: called when it has ended.
    """

    token: int
    last: int
    ended: bool = False
    lost: bool = False
    error: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    warning: str = ""
    stop: Stop | None = None
    pieces: list[str] = field(default_factory=list)
    on_output: Callable[[str], object] = _ignore
    on_end: Callable[[], object] = _ignore

    @property
    def printed(self) -> str:
        """All that it printed so far."""
        return "".join(self.pieces)


def quoted(text: str) -> str:
    """`text` as a C string of one line."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def parsed(line: bytes) -> Record:
    """One line of GDB's output; what is no record is taken for a program's output."""
    raw: Record = {"type": "output", "message": None, "payload": line.decode(errors="replace")}
    if not _RECORD.match(line):
        return raw
    # At its start GDB 18 escapes some bytes of a character and others not.
    escaped = _HIGH.sub(lambda byte: b"\\%03o" % ord(byte[0]), line).decode("ascii")
    try:
        record: Record = gdbmiparser.parse_response(escaped)
    except Exception:  # a foreign parser on hostile input
        return raw
    return raw if record["type"] == "output" else record


def plain(text: str) -> str:
    """`text` without colours: GDB 18 leaves some in its errors."""
    return _COLORS.sub("", text)
