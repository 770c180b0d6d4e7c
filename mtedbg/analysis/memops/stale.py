"""Threads that died, or stood, between the two instructions of a memop with a stale pair."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.decode.memops.memop import memop_at, state_of
from mtedbg.decode.memops.pair import Pair, pair_of, passed_insert
from mtedbg.errors import LayoutError
from mtedbg.model.absent import Absent
from mtedbg.model.memop import Memop

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_MOST_THREADS = 1 << 12


def stale_pair(session: Session, thread: Thread) -> tuple[Memop, Pair] | None:
    """The memop and the pair of `thread`, where it has a stale one; what is damaged has none."""
    runtimes = session.runtimes
    registers = session.target.registers(thread)
    if isinstance(runtimes, Absent) or isinstance(registers, Absent):
        return None
    pc = session.strip(registers.get("pc", 0))
    for runtime in runtimes:
        try:
            memop = memop_at(runtime, pc)
            if isinstance(memop, Absent) or not passed_insert(memop, pc):
                continue
            pair = pair_of(runtime, state_of(runtime, memop), registers)
        except LayoutError:
            continue
        if isinstance(pair, Pair) and pair.stale:
            return memop, pair
    return None


def stale_pairs(session: Session) -> Iterator[tuple[Thread, Memop, Pair]]:
    """Every thread that has a stale pair."""
    if isinstance(session.runtimes, Absent):
        return
    for thread in session.target.threads()[:_MOST_THREADS]:
        found = stale_pair(session, thread)
        if found is not None:
            yield thread, *found
