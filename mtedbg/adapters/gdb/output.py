"""What GDB's terminal can show: characters, and whether in colour."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import gdb

_front_end_shows_color = False

if TYPE_CHECKING:
    from pathlib import Path


def printable(text: str) -> str:
    """`text` without what GDB's charset lacks: GDB refuses the whole text else (locale C)."""
    charset = gdb.host_charset()
    return text.encode(charset, "replace").decode(charset)


def shown_by_front_end(*, color: bool) -> None:
    """Says that a front end shows GDB's output, on a terminal in colour or not."""
    global _front_end_shows_color
    _front_end_shows_color = color


def wants_color(from_tty: bool) -> bool:
    """Whether a person at a terminal will read it: not where output is captured or piped.

    Args:
        from_tty: as GDB gives it: false under `gdb.execute(…, to_string=True)`, in scripts and
            in batch mode.
    """
    from mtedbg.system import refuses_color

    if not from_tty or refuses_color():
        return False
    # sys.stdout is GDB's own object, which knows no terminal.
    terminal = sys.__stdout__ is not None and os.isatty(1)
    if not (terminal or _front_end_shows_color):
        return False
    return bool(gdb.parameter("style enabled")) and not _feeds_a_child()


def _feeds_a_child() -> bool:
    """Whether GDB holds the pipe that a child reads from, as its command `pipe` does.

    GDB does not tell an extension where its output goes; the pipe can be seen.
    """
    from pathlib import Path  # not where GDB starts: it takes some milliseconds

    try:
        ours = {_name(entry) for entry in Path("/proc/self/fd").iterdir()}
        children = Path("/proc/thread-self/children").read_text().split()
    except OSError:  # no /proc, no way to know: GDB's own commands colour what `pipe` gets too
        return False
    inputs = (_name(Path(f"/proc/{child}/fd/0")) for child in children)
    return any(name.startswith("pipe:") and name in ours for name in inputs)


def _name(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""
