"""What an allocator has around an address of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import region_at
from mtedbg.decode.heap.gwp_asan import GuardedPool, guarded_pool
from mtedbg.decode.heap.heaps import REACH, HeapAround, Heaps
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.session import Session


@once
def heap_at(session: Session, address: int, reach: int = REACH) -> HeapAround | Absent:
    """What an allocator has around `address`.

    Args:
        session: where.
        address: without tag.
        reach: bytes on both sides that matter.
    """
    region = region_at(session, address)
    if region is None:
        return NOT_APPLICABLE
    return _heaps(session).around(region, address, reach)


def guarded_at(session: Session, address: int) -> GuardedPool | None:
    """GWP-ASan's pool, if an address is in it."""
    pool = _pool(session)
    return pool if pool is not None and pool.holds(address) else None


@once
def _pool(session: Session) -> GuardedPool | None:
    return guarded_pool(session.target)


@once
def _heaps(session: Session) -> Heaps:
    return Heaps(session.target, tuple(session.file_starts), live=not session.info.is_dead)
