"""Whether what a command says is read by a person, in colour."""

from __future__ import annotations

import os
import sys

import lldb

from mtedbg.system import refuses_color


def wants_color(debugger: lldb.SBDebugger) -> bool:
    """Whether a person at a terminal will read it: not where output is captured or piped.

    LLDB does not tell a command whether its output is captured. Who captures it from Python
    stands on the Python stack below the command that asks here; where a person typed it, nobody.

    Args:
        debugger: LLDB, with its setting `use-color`.
    """
    if refuses_color():
        return False
    if not debugger.GetUseColor() or not debugger.GetCommandInterpreter().IsInteractive():
        return False
    try:
        sys._getframe(2)
    except ValueError:
        return _is_terminal(debugger)
    return False


def _is_terminal(debugger: lldb.SBDebugger) -> bool:
    file = debugger.GetOutputFile()
    handle = file.GetFile() if file.IsValid() else None
    try:
        return handle is not None and os.isatty(handle.fileno())
    except (OSError, ValueError):
        return False
