"""What this process may take while it reads files from strangers: memory, and time between reads.

`Budget` counts where bytes are read. Here is what counts between two reads: the kernel's limit on
private memory, and its timer of processor time, for programs of our own (`mtedbg core`, triage's
workers); in a debugger both are the debugger's.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from mtedbg.budget import Budget

try:
    import resource
except ImportError:  # Windows has none: what is read is counted there as well
    resource = None  # type: ignore[assignment]

MOST_MEMORY = 1 << 30
"""Bytes of private memory that one report may use."""
_AGAIN_S = 0.25
"""Seconds that what follows may take, once the time is up."""


@contextlib.contextmanager
def limited_memory(factor: float = 1.0) -> Iterator[None]:
    """Within it, `MOST_MEMORY` may be used; beyond, Python raises MemoryError.

    Args:
        factor: as often as that, where it is above 1.
    """
    if resource is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = int(MOST_MEMORY * max(1.0, factor))
    for limit in (soft, hard):
        if limit != resource.RLIM_INFINITY:
            most = min(most, limit)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextlib.contextmanager
def watched(budget: Budget) -> Iterator[None]:
    """Within it, OverBudgetError is raised when the time of `budget` is up, wherever that is."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):  # the main thread alone gets signals
        yield
        return

    def expired(_number: int, _frame: FrameType | None) -> None:
        if budget.seconds_left <= 0:  # it may have been granted more meanwhile
            budget.expire()

    before = signal.signal(signal.SIGPROF, expired)
    signal.setitimer(signal.ITIMER_PROF, max(budget.seconds_left, _AGAIN_S), _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
