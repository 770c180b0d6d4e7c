"""Hypotheses where no allocator's records can be read: by the tags around alone.

The memory is of a program's own heap, or of an allocator that is not known here. Tags tell where
something begins and ends, and nothing of chunks. Among hundreds of granules some have the
pointer's tag by chance, so that the nearest one is worth something only where it is next to the
access, or where a pointer at hand points to the beginning of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import symbolize
from mtedbg.analysis.fault.holders import Place, holders
from mtedbg.analysis.tags.runs import Run, runs
from mtedbg.dataclass import replace
from mtedbg.model.absent import or_else, then
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.pointer import GRANULE, granule_of

if TYPE_CHECKING:
    from mtedbg.analysis.fault.bad_access import BadAccess
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

_GIVES_BACK = re.compile(
    r"(?i)(free|release|delete|dealloc|destroy|drop|dispose|give|put|return|recycle|reclaim)"
)
_ORDER = (Strength.READ, Strength.LIKELY, Strength.POSSIBLE, Strength.CHANCE)

_NEAR = 1 << 10
"""Bytes past memory that a pointer to it, which is not the access's own, speaks for."""

REACH = 1 << 12
"""Bytes on both sides of an address that are searched for the pointer's tag."""


def by_tags(
    session: Session,
    access: BadAccess,
    memory: int,
    region: Region | None,
    *,
    on_stack: bool = False,
) -> tuple[Hypothesis, ...]:
    """What may have happened, likeliest first: at best likely.

    Args:
        session: where.
        access: what faulted.
        memory: the tag of the memory.
        region: the mapping that holds the address.
        on_stack: whether that is a thread's stack.
    """
    if region is None:
        return ()
    low = max(granule_of(access.bad) - REACH, region.start)
    high = min(granule_of(access.bad) + REACH, region.end)
    around = list(runs(session, low, high))
    found = list(_beyond(session, access, around, on_stack=on_stack))
    gone = _freed(session, access, memory, around, found)
    if on_stack:
        what = gone.what.replace("use after free", "use after return or scope")
        relation = gone.relation
        if relation is Relation.USE_AFTER_FREE:
            relation = Relation.USE_AFTER_RETURN
        gone = replace(gone, what=what, relation=relation)
    found.append(gone)
    return tuple(sorted(found, key=lambda one: _ORDER.index(one.strength)))


def _beyond(
    session: Session, access: BadAccess, around: list[Run], *, on_stack: bool
) -> Iterator[Hypothesis]:
    """Out of bounds of memory with the pointer's tag: the nearest on each side.

    On a stack, what has no tag is no object: memory next to it may be any other function's, and a
    frame holds pointers to all of its variables.
    """
    here = next((one for one in around if one.start <= access.bad < one.end), None)
    same = [one for one in around if one.tag == access.tag]
    before = max((one for one in same if one.end <= access.bad), default=None)
    after = min((one for one in same if one.start > access.bad), default=None)
    held = {each.value: each for each in holders(session, access)}
    found = []
    for one, over in ((before, True), (after, False)):
        if one is None:
            continue
        distance = access.address - one.end if over else one.start - access.address
        side = "past the end of" if over else "before"
        run = f"memory of {one.end - one.start} bytes with the pointer's tag at {one.start:#x}"
        next_to = here is not None and (one.end == here.start or one.start == here.end)
        touching = _are_neighbours(one, access.bad) if on_stack else next_to
        holder = held.get(one.start)
        reasons = [
            f"it has the pointer's tag {access.tag}; {len(same)} of {len(around)} pieces here do"
        ]
        strength = Strength.CHANCE
        if holder is not None and holder.place is not Place.FAR_SLOT:
            reasons.append(f"{holder.name} points to its first byte, with that tag")
            walked = over and distance <= _NEAR and not on_stack
            sure = holder.place is Place.BASE or touching or walked
            strength = Strength.LIKELY if sure else Strength.POSSIBLE
        elif touching and distance < one.end - one.start + 256:
            reasons.append("it is right next to the memory that was accessed")
            strength = Strength.POSSIBLE
        words = f"{max(distance, 0)} byte{'s' if distance != 1 else ''} {side} {run}"
        found.append(
            (
                strength is not Strength.LIKELY,
                strength is not Strength.POSSIBLE,
                distance,
                Hypothesis(
                    f"out of bounds: {words}",
                    tuple(reasons),
                    evident=strength is Strength.LIKELY,
                    relation=Relation.OVERFLOW if over else Relation.UNDERFLOW,
                    strength=strength,
                ),
            )
        )
    yield from (one[-1] for one in sorted(found, key=lambda one: one[:3]))


def _are_neighbours(one: Run, address: int) -> bool:
    """Whether the granule of an address is the first before, or after, some memory."""
    granule = granule_of(address)
    return granule in (one.start - GRANULE, one.end)


def _freed(
    session: Session,
    access: BadAccess,
    memory: int,
    around: list[Run],
    others: list[Hypothesis],
) -> Hypothesis:
    reasons = [f"the memory has tag {memory} now, the pointer {access.tag}; its owner is not known"]
    known = Hypothesis("use after free", tuple(reasons), relation=Relation.USE_AFTER_FREE)
    here = next((one for one in around if one.start <= access.bad < one.end), None)
    start = None if here is None else here.start
    holder = next((one for one in holders(session, access) if one.value == start), None)
    # What runs on from memory with the pointer's tag comes to such a first byte as well.
    rival = any(one.strength is not Strength.CHANCE for one in others)
    is_base = holder is not None and holder.place is Place.BASE and not access.walks
    if holder is not None and is_base and not rival:
        reasons.append(f"{holder.name} points to the first byte of memory with one tag")
        function = or_else(then(symbolize(session, access.pc).symbol, lambda one: one.name), "")
        if access.address == start and _GIVES_BACK.search(function):
            what = "use after free or double free"
            reasons.append(f"{function} may be what gives memory back")
            known = replace(known, what=what)
        return replace(known, reasons=tuple(reasons), strength=Strength.LIKELY, evident=True)
    if others:
        return known
    what = "use after free, or out of bounds of something further away"
    return replace(known, what=what, relation=Relation.UNKNOWN)
