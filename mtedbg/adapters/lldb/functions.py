"""mtedbg's functions for LLDB's Python: `mte_atag(frame, "p")`, for conditions of breakpoints.

LLDB has no functions of one's own in expressions. What it has are breakpoints with a line of
Python, which stop where that does not return False:

    breakpoint command add -s python -o "return mte_atag(frame, '$x0') == 3"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lldb

from mtedbg.errors import MtedbgError
from mtedbg.functions import FUNCTIONS, Function


class _Error(Exception):
    """What stops one of these functions, as its caller sees it."""

    __module__ = "builtins"  # or its name would be a dotted path


_Error.__name__ = _Error.__qualname__ = "mtedbg"


def install(names: dict[str, Any]) -> None:
    """Puts them into the dictionary of LLDB's Python session, as GDB has them without `$_`."""
    for function in FUNCTIONS:
        names[function.name.lstrip("_")] = _of(function)


def _of(function: Function) -> Callable[..., int]:
    wanted = "frame, expression" if function.argument else "frame"

    def ask(frame: lldb.SBFrame, expression: str = "") -> int:
        from mtedbg.adapters.lldb import sessions

        if not isinstance(frame, lldb.SBFrame) or not frame.IsValid():
            raise _Error(f"usage: {ask.__name__}({wanted}), with a frame of the stopped program")
        thread = frame.GetThread()
        process = thread.GetProcess()
        process.SetSelectedThread(thread)
        session, target = sessions.in_breakpoint(process)
        try:
            argument = target.evaluate_in(frame, expression) if function.argument else 0
            return function.value(session, argument)
        except MtedbgError as error:  # LLDB's Python shows where each exception came from: no more
            raise _Error(error.message) from None

    ask.__name__ = function.name.lstrip("_")
    ask.__doc__ = f"{function.summary}\n\nUsage: {ask.__name__}({wanted})\n\n{function.details}"
    return ask
