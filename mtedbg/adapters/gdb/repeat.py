"""Whether GDB runs a command again because the line was empty."""

from __future__ import annotations

import os

import gdb

from mtedbg.adapters.gdb.console import captured

# The last line of GDB's history when a command of ours last ran, with its number.
_last = ""


def is_repetition(from_tty: bool) -> bool:
    """Whether a person has pressed Enter on an empty line. To be asked once for each command.

    GDB gives a command the same words again and says nothing about it. But an empty line does not
    go into its history: then the last line there is the one that it was before. Where GDB removes
    duplicates from its history, the same command typed again looks like that too: there nothing is
    taken for an empty line.

    Args:
        from_tty: as GDB gives it.
    """
    global _last
    # A front end's commands are in no history: they would all look like repetitions.
    if not from_tty or not os.isatty(0) or gdb.parameter("history remove-duplicates") != 0:
        return False
    before, _last = _last, _last_line()
    return bool(_last) and _last == before


def _last_line() -> str:
    try:
        lines = captured("show commands").splitlines()
    except gdb.error:
        return ""
    return lines[-1] if lines else ""
