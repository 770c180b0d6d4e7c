"""Threads that died, or stood, between the two instructions of a memop with a stale pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, present
from mtedbg.session import once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mtedbg.decode.memops.pair import Pair
    from mtedbg.layout import Runtime
    from mtedbg.model.memop import Memop
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_MOST_THREADS = 1 << 12


@dataclass(frozen=True, slots=True)
class StalePair:
    """A thread that has run [1] of a memop, and would run a [2] that no longer fits.

    Attributes:
        thread: the thread.
        memop: where it is.
        pair: what it has, and would have now.
    """

    thread: Thread
    memop: Memop
    pair: Pair


@once
def stale_pair(session: Session, thread: Thread) -> StalePair | None:
    """The stale pair of `thread`; None where it has none that can be read."""
    registers = session.target.registers(thread)
    if isinstance(registers, Absent):
        return None
    pc = session.strip(registers.get("pc", 0))
    found = session.from_runtimes(lambda runtime: _pair(runtime, thread, pc, registers))
    return next(filter(None, found), None)


def _pair(
    runtime: Runtime, thread: Thread, pc: int, registers: Mapping[str, int]
) -> StalePair | None:
    from mtedbg.decode.memops.memop import memop_at, state_of
    from mtedbg.decode.memops.pair import pair_of, passed_insert

    memop = memop_at(runtime, pc)
    if isinstance(memop, Absent) or not passed_insert(memop, pc):
        return None
    pair = pair_of(runtime, state_of(runtime, memop), registers)
    return StalePair(thread, memop, pair) if present(pair) and pair.stale else None


def stale_pairs(session: Session) -> tuple[StalePair, ...]:
    """Every stale pair of the process."""
    threads = session.target.threads()[:_MOST_THREADS] if session.readable_runtimes() else ()
    found = (stale_pair(session, thread) for thread in threads)
    return tuple(pair for pair in found if pair is not None)
