"""What went wrong with memory that an allocator gives out, as far as its records tell: hypotheses.

Where tags say who may use memory, as an allocator's do. In a process with a runtime they say whose
memory it is, and nothing of this applies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import region_at
from mtedbg.analysis.fault.aborts import abort_hypotheses
from mtedbg.analysis.fault.bad_access import BadAccess, bad_access
from mtedbg.analysis.fault.by_tags import by_tags
from mtedbg.analysis.fault.death import death
from mtedbg.analysis.fault.guards import guard_hypotheses
from mtedbg.analysis.fault.heap_memory import heap_at
from mtedbg.analysis.fault.holders import Holder, Place, holders
from mtedbg.analysis.fault.ranking import Candidate, ranked
from mtedbg.analysis.fault.releases import in_unnamed_libc, reads_a_header, release_of, releasing
from mtedbg.analysis.fault.stack import stack_hypotheses
from mtedbg.analysis.fault.stack_memory import stack_at
from mtedbg.analysis.tags.span import tag_at
from mtedbg.dataclass import replace
from mtedbg.decode.heap.heaps import HeapAround
from mtedbg.model.absent import Absent, Reason, or_else, present
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.analysis.fault.fault import Fault
    from mtedbg.session import Session

_AFTER, _EITHER = "use after free", "use after free or double free"
_MOST_HELD = 12
"""Pointers that are followed to the object that they point to."""
_HELD_REACH = 256


def heap_hypotheses(
    session: Session, met: Fault, pointer: int | None = None
) -> tuple[Hypothesis, ...]:
    """What may have gone wrong with memory, likeliest first.

    Of a tag check fault, of an access to what may not be accessed, and of what made an allocator
    end the process. Of an asynchronous fault not even the pointer is known without a suspect.

    Args:
        session: where.
        met: the fault.
        pointer: tag kept, where not the fault's own is meant: a suspect's.
    """
    runtimes = session.runtimes
    if not isinstance(runtimes, Absent) or runtimes.reason is Reason.DAMAGED:
        return ()
    if present(met.name) and met.name.sent and pointer is None:
        return abort_hypotheses(session, death(session).killed)
    if met.tag_check is None and pointer is None:
        return guard_hypotheses(session, met)
    access = bad_access(session, met, pointer)
    return () if access is None else _of_access(session, access)


def suspected(session: Session, met: Fault) -> tuple[tuple[Hypothesis, ...], str]:
    """What may have gone wrong with memory, and whose pointer that is of: empty where it is sure.

    Of an asynchronous fault the first suspect is meant.
    """
    first = next(iter(met.suspects), None)
    if first is None:
        return heap_hypotheses(session, met), ""
    return heap_hypotheses(session, met, first.value), first.name


@once
def _of_access(session: Session, access: BadAccess) -> tuple[Hypothesis, ...]:
    memory = tag_at(session, access.bad)
    if isinstance(memory, Absent) or memory == access.tag:
        return ()
    around = heap_at(session, access.bad)
    known = None if isinstance(around, Absent) else around
    release = releasing(session, access.pc)
    if not release and reads_a_header(access, known):
        release = "free"
    if release and (found := release_of(access, release, known)):
        return found
    stack = None if release else stack_at(session, access.bad, access.pc)
    if stack is not None and access.tag:
        return stack_hypotheses(session, access, stack, memory, region_at(session, access.bad))
    if access.tag == 0 and not _has_untagged(session, known):
        return (_lost_tag(access, memory, around),) if access.is_known else ()
    if isinstance(around, Absent):
        return by_tags(session, access, memory, region_at(session, access.bad))
    held = holders(session, access)
    found = ranked(access, tuple(_candidates(session, access, around, held)), held)
    if found and _may_be_a_free(session, access, found[0]):
        found = (replace(found[0], what=found[0].what.replace(_AFTER, _EITHER)), *found[1:])
    return found or (_unknown(access, memory, around),)


def _may_be_a_free(session: Session, access: BadAccess, first: Hypothesis) -> bool:
    """Whether an access to the beginning of what is free may be that of a function that frees."""
    after = first.relation is Relation.USE_AFTER_FREE
    known = first.object is None or access.address == first.object.start
    return after and known and access.tag != 0 and in_unnamed_libc(session, access.pc)


def _has_untagged(session: Session, around: HeapAround | None) -> bool:
    """Whether an object in use here has tag 0: Scudo's large ones, whose headers are tagged."""
    live = (
        () if around is None else (one for one in around.objects if one.state is ObjectState.LIVE)
    )
    return any(tag_at(session, one.start) == 0 for one in live)


def _lost_tag(access: BadAccess, memory: int, around: HeapAround | Absent) -> Hypothesis:
    tags = f"the pointer has tag 0, the memory {memory}"
    one = None if isinstance(around, Absent) else around.here
    return Hypothesis(
        "a pointer that lost its tag",
        (
            f"{tags}: allocators return tagged pointers; one that was masked, or kept in 48 bits as"
            " in a NaN box, has none",
        ),
        evident=one is not None,
        relation=Relation.LOST_TAG,
        strength=Strength.POSSIBLE if one is None else Strength.LIKELY,
        object=one,
        offset=0 if one is None else access.address - one.start,
    )


def _unknown(access: BadAccess, memory: int, around: HeapAround) -> Hypothesis:
    there = "between two objects" if around.here is None else "in an object"
    return Hypothesis(
        "use after free, or a pointer that never was one",
        (
            f"{access.bad:#x} is {there} of {around.allocator}, tag {memory}, and no object near it"
            f" has the pointer's tag {access.tag}",
        ),
        relation=Relation.UNKNOWN,
        object=around.here,
        offset=0 if around.here is None else access.address - around.here.start,
    )


def _candidates(
    session: Session, access: BadAccess, around: HeapAround, held: Sequence[Holder]
) -> Iterator[Candidate]:
    """The objects around the access, and those that pointers at hand point to."""
    seen: set[int] = set()
    next_to = _neighbours(access, around.objects)
    for one in around.objects:
        seen.add(one.start)
        yield _candidate(session, one, one.start in next_to)
    followed = [each for each in held if each.place >= Place.SLOT][:_MOST_HELD]
    for holder in followed:
        found = heap_at(session, holder.value, _HELD_REACH)
        here = None if isinstance(found, Absent) else found.here
        if here is not None and here.start not in seen:
            seen.add(here.start)
            yield _candidate(session, here, next_to=False)


def _candidate(session: Session, one: MemoryObject, next_to: bool) -> Candidate:
    return Candidate(one, or_else(tag_at(session, one.start), None), next_to)


def _neighbours(access: BadAccess, objects: Sequence[MemoryObject]) -> set[int]:
    """The objects in use right before and right after the access."""
    live = [one for one in objects if one.state is ObjectState.LIVE]
    before = [one for one in live if one.end <= access.bad]
    after = [one for one in live if one.start > access.bad]
    inside = any(one.start <= access.bad < one.end for one in live)
    # An access that is in an object has that one between it and the next but one.
    found = before[-1:] + after[:1]
    return {one.start for one in found} if found or inside else set()
