"""What both debuggers' steppers have: breakpoints that ask whether to stop, and limits."""

from __future__ import annotations

from collections.abc import Callable

from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.phase import Catch
from mtedbg.model.process import Thread

MOST_STEPS = 1 << 10
"""Instructions from a handler's end to the code that it interrupted, or from [1] to [2]."""
MOST_FRAMES = 64
"""Frames from a phase to the handler."""

Wanted = Callable[[Catch, Thread], bool]
"""Whether a thread that has come to a phase is to be stopped there."""


def arrived(number: int, tid: int) -> Thread:
    """The thread that has come to a breakpoint: nothing else of it is asked there.

    Args:
        number: the debugger's.
        tid: the kernel's.
    """
    return Thread(number, tid, "", True, tagged_addr_ctrl=NOT_APPLICABLE)
