"""Faults on memory that may not be accessed, next to what an allocator gave out, or in its place.

Large objects have mappings of their own, with pages after them that nobody may access; what
GWP-ASan samples lies between such pages, and cannot be accessed once it is freed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import region_at
from mtedbg.analysis.fault.bad_access import BadAccess, access_of
from mtedbg.analysis.fault.heap_memory import guarded_at, heap_at
from mtedbg.analysis.fault.holders import Holder, Place, holders
from mtedbg.analysis.fault.ranking import place_words
from mtedbg.analysis.fault.releases import releasing
from mtedbg.decode.heap.gwp_asan import DOUBLE_FREE, INVALID_FREE, GuardedPool
from mtedbg.model.absent import Absent, or_else
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.analysis.fault.fault import Fault
    from mtedbg.session import Session

_CODES = ("SEGV_ACCERR", "SEGV_MAPERR")
_FAR, _NEAR = 1 << 24, 1 << 20
"""Bytes from a pointer beyond which it says nothing: of the access's own base, of any other."""
_MOST_HELD = 8


def guard_hypotheses(session: Session, met: Fault) -> tuple[Hypothesis, ...]:
    """What may have caused an access to memory that may not be accessed, likeliest first."""
    if isinstance(met.name, Absent) or met.name.signal not in ("SIGSEGV", "SIGBUS"):
        return ()
    access = access_of(session, met)
    of_pool = None if access is None else guarded_at(session, access.bad)
    if access is not None and of_pool is not None:
        return _in_pool(access, of_pool)
    if release := releasing(session, or_else(met.at.pc, 0)):
        return (_of_release(release),)
    known = access is not None and met.name.code in _CODES
    return _of_access(session, access) if access is not None and known else ()


@once
def _of_access(session: Session, access: BadAccess) -> tuple[Hypothesis, ...]:
    region = region_at(session, access.bad)
    if region is not None and "r" in region.perms:
        return ()
    for holder in holders(session, access)[:_MOST_HELD]:
        far = _FAR if holder.place is Place.BASE else _NEAR
        if holder.value == access.address or abs(access.bad - holder.value) > far:
            continue
        around = heap_at(session, holder.value)
        one = None if isinstance(around, Absent) else around.here
        if one is None or one.start != holder.value or one.state is not ObjectState.LIVE:
            continue
        if not one.start <= access.bad < one.end:
            return (_beyond(access, one, holder),)
    return ()


def _of_release(function: str) -> Hypothesis:
    """A function that gives memory back trusts what it is given, and the heap's own records."""
    return Hypothesis(
        "invalid free: of what malloc did not return, or whose header was overwritten",
        (f"it is in {function}, or in what that calls",),
        evident=True,
        relation=Relation.INVALID_FREE,
        strength=Strength.LIKELY,
    )


def _beyond(access: BadAccess, one: MemoryObject, holder: Holder) -> Hypothesis:
    offset = access.address - one.start
    strength = Strength.READ if holder.place is Place.BASE else Strength.LIKELY
    return Hypothesis(
        f"out of bounds: {place_words(one, offset, access.bad - access.address)}",
        (f"{holder.name} points to its first byte",),
        evident=True,
        relation=Relation.OVERFLOW if offset >= 0 else Relation.UNDERFLOW,
        strength=strength,
        object=one,
        offset=offset,
    )


def _in_pool(access: BadAccess, pool: GuardedPool) -> tuple[Hypothesis, ...]:
    """What GWP-ASan has recorded of what was at an address."""
    found_inside = pool.error in (DOUBLE_FREE, INVALID_FREE) and pool.error_address
    address = pool.error_address if found_inside else access.bad
    one = pool.object_near(address)
    reason = "GWP-ASan had sampled it, and keeps a record of it"
    if found_inside:
        relation = Relation.DOUBLE_FREE if pool.error == DOUBLE_FREE else Relation.INVALID_FREE
        what = "double free" if pool.error == DOUBLE_FREE else "invalid free"
        what += "" if one is None else f": {place_words(one, address - one.start)}"
        return (_read(what, "GWP-ASan found it itself", relation, one, address),)
    if one is None:
        return ()
    where = place_words(one, access.address - one.start, access.bad - access.address)
    if one.is_free:
        return (_read(f"use after free: {where}", reason, Relation.USE_AFTER_FREE, one, address),)
    relation = Relation.OVERFLOW if address >= one.start else Relation.UNDERFLOW
    return (_read(f"out of bounds: {where}", reason, relation, one, address),)


def _read(
    what: str, reason: str, relation: Relation, one: MemoryObject | None, address: int
) -> Hypothesis:
    return Hypothesis(
        what,
        (reason,),
        evident=True,
        relation=relation,
        strength=Strength.READ,
        object=one,
        offset=0 if one is None else address - one.start,
    )
