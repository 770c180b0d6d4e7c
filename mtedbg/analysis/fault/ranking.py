"""Hypotheses about an access to a heap, weighed by what speaks for each.

The weights are points, not probabilities: a match of tags alone is worth little, because one in
fifteen objects has any given tag; a pointer to the very beginning of an object is worth much, and
most when it is the access's own base register. What is said with certainty has all of it, and no
rival near it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.holders import Holder, Place
from mtedbg.dataclass import dataclass, replace
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.model.pointer import GRANULE as _GRANULE

if TYPE_CHECKING:
    from mtedbg.analysis.fault.bad_access import BadAccess

MOST = 4
"""Hypotheses that are kept."""

STACK = "stack"
"""As an allocator: functions' frames."""

_HOLDS = {Place.BASE: 6, Place.REGISTER: 4, Place.SLOT: 3, Place.FAR_SLOT: 1}
_COMPUTED, _MOST_OTHERS = 4, 2
_POINTS_INTO = {Place.BASE: 3, Place.REGISTER: 2, Place.SLOT: 2, Place.FAR_SLOT: 1}
_TAG_MATCHES = 2
_NEIGHBOUR, _NEAR, _WALKS, _FAR = 2, 1, 1, -1
_NEAR_BYTES, _FAR_BYTES = 256, 1024
_UNHELD, _UNHELD_WALK = 4, 6
"""What tags and places are worth at most, without a pointer to the object."""
_FREED, _GIVEN_AGAIN = 4, 1
_UNHELD_FREED = -1
_HAD_TAG = 3
_FRAME_AGAIN, _OF_ONE_FRAME = -2, 1
"""Variables of one frame have different tags; two frames seldom begin one at the same place."""
_BASE_ELSEWHERE = -1
_READ, _READ_LEAD = 7, 3
_LIKELY, _LIKELY_LEAD = 5, 2
_POSSIBLE = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """An object that the access may have been meant for.

    Attributes:
        object: what it is.
        tag: of its memory; None where it is not known.
        next_to: whether no other object in use is between it and the access.
    """

    object: MemoryObject
    tag: int | None
    next_to: bool = False


@dataclass(frozen=True, slots=True)
class _Weighed:
    points: int
    hypothesis: Hypothesis


def ranked(
    access: BadAccess, candidates: Sequence[Candidate], held: Sequence[Holder]
) -> tuple[Hypothesis, ...]:
    """The hypotheses, likeliest first, each with its strength.

    Args:
        access: what faulted.
        candidates: objects around the access, and those that pointers at hand point to.
        held: pointers with the access's tag.
    """
    weighed = [one for each in candidates for one in _weigh(access, each, candidates, held)]
    weighed.sort(key=lambda one: (-one.points, abs(_gap(access, one.hypothesis))))
    kept = weighed[:MOST]
    return tuple(
        _judged(one, weighed[:number] + weighed[number + 1 :], number)
        for number, one in enumerate(kept)
    )


def _judged(one: _Weighed, others: Sequence[_Weighed], rank: int) -> Hypothesis:
    lead = one.points - max((other.points for other in others), default=0)
    strength = Strength.CHANCE
    if one.points >= _READ and lead >= _READ_LEAD and rank == 0:
        strength = Strength.READ
    elif one.points >= _LIKELY and lead >= _LIKELY_LEAD and rank == 0:
        strength = Strength.LIKELY
    elif one.points >= _POSSIBLE and not others and _was_freed(one.hypothesis):
        strength = Strength.LIKELY  # no object around has the pointer's tag
    elif one.points >= _POSSIBLE or one.hypothesis.relation is Relation.USE_AFTER_FREE:
        strength = Strength.POSSIBLE
    evident = strength in (Strength.READ, Strength.LIKELY)
    return replace(one.hypothesis, strength=strength, evident=evident)


def _was_freed(hypothesis: Hypothesis) -> bool:
    return hypothesis.object is not None and hypothesis.object.is_free


def _gap(access: BadAccess, hypothesis: Hypothesis) -> int:
    return 0 if hypothesis.object is None else access.bad - hypothesis.object.start


def _weigh(
    access: BadAccess,
    candidate: Candidate,
    candidates: Sequence[Candidate],
    held: Sequence[Holder],
) -> Iterator[_Weighed]:
    one = candidate.object
    inside = one.start <= access.bad < max(one.end, one.start + 1)
    if one.state is ObjectState.SPARE:
        if inside:
            yield _spare(access, one, held)
        return
    if inside and (one.is_free or candidate.tag != access.tag):
        yield _freed(access, candidate, held)
    elif one.is_free:
        holder = _holder(held, one, exact=True)
        if holder is not None and holder.place is Place.BASE:
            yield _freed(access, candidate, held)
    elif not inside and candidate.tag == access.tag:
        yield _beyond(access, candidate, candidates, held)


def _spare(access: BadAccess, one: MemoryObject, held: Sequence[Holder]) -> _Weighed:
    """Of memory that the heap has taken back whole, so that no object is left there."""
    points, reasons = _FREED, [f"{one.allocator} has not given out the memory there"]
    holder = _stale(access, one, held)
    offset = 0
    if holder is not None:
        points += _POINTS_INTO[holder.place]
        offset = access.address - holder.value
        reasons.append(
            f"{holder.name} has the pointer's tag {access.tag} and points there, {offset:#x} bytes"
            " before the access"
        )
    return _Weighed(
        points,
        Hypothesis(
            "use after free: the memory fell back to the unused rest of the heap",
            tuple(reasons),
            relation=Relation.USE_AFTER_FREE,
            offset=offset,
        ),
    )


def _stale(access: BadAccess, one: MemoryObject, held: Sequence[Holder]) -> Holder | None:
    """A pointer into free memory, before the access: the object that was there may begin there."""
    there = (each for each in held if one.start - _GRANULE <= each.value < access.address)
    return next(there, None)


def _freed(access: BadAccess, candidate: Candidate, held: Sequence[Holder]) -> _Weighed:
    """Of an object that was freed; or freed and given out again, where it is in use."""
    one = candidate.object
    points = _FREED if one.is_free else _GIVEN_AGAIN
    if one.allocator == STACK:
        points += _OF_ONE_FRAME if one.is_free else _FRAME_AGAIN
    reasons = [_state_words(one, candidate.tag)]
    holder = _holder(held, one, exact=True)
    if holder is not None:
        # What the code computed may be the first byte of an object by chance.
        computed = holder.place is Place.BASE and holder.value == access.address
        points += _COMPUTED if computed else _HOLDS[holder.place]
        points += min(holder.others, _MOST_OTHERS)
        reasons.append(f"{holder.name} points to its first byte, with the tag {access.tag}")
    elif one.is_free and (stale := _stale(access, one, held)):
        points += _POINTS_INTO[stale.place]
        reasons.append(f"{stale.name} points into it, with the tag {access.tag}")
    elif access.base_name and not access.walks:
        known = one.allocator == STACK or one.last_tag == access.tag
        points += 0 if known else _UNHELD_FREED
        reasons.append(f"no pointer to its first byte with the tag {access.tag} was found")
    if access.address >= one.end:
        points -= 1
    if one.is_free and one.last_tag is not None:
        same = one.last_tag == access.tag
        points += _HAD_TAG if same else -_HAD_TAG
        reasons.append(f"the pointer to it had {'this' if same else 'another'} tag: {one.last_tag}")
    what, relation = _use_after(one, access.address - one.start)
    return _Weighed(
        points,
        Hypothesis(
            what,
            tuple(reasons),
            relation=relation,
            object=one,
            offset=access.address - one.start,
        ),
    )


def _use_after(one: MemoryObject, offset: int) -> tuple[str, Relation]:
    where = place_words(one, offset)
    if one.allocator == STACK:
        if one.is_free:
            return f"use after scope: {where}", Relation.USE_AFTER_SCOPE
        return f"use after return: the memory is now {where}", Relation.USE_AFTER_RETURN
    if one.is_free:
        return f"use after free: {where}", Relation.USE_AFTER_FREE
    return f"use after free: memory given out again, now {where}", Relation.USE_AFTER_FREE


def _beyond(
    access: BadAccess,
    candidate: Candidate,
    candidates: Sequence[Candidate],
    held: Sequence[Holder],
) -> _Weighed:
    """Out of bounds of an object in use whose tag is the pointer's."""
    one = candidate.object
    points, alike = _TAG_MATCHES, _alike(access, candidates)
    reasons = [f"its tag is the pointer's, {access.tag}{alike}"]
    gap = access.bad - one.end if access.bad >= one.end else one.start - access.bad
    if candidate.next_to:
        points += _NEIGHBOUR
        thing = "variable" if one.allocator == STACK else "object"
        reasons.append(f"no other {thing} in use is between it and the access")
        if one.allocator == STACK:
            points += _OF_ONE_FRAME
        if access.walks:
            points += _WALKS
            reasons.append(f"the access moves {access.base_name} on, as a loop does")
    if gap <= _NEAR_BYTES:
        points += _NEAR
    elif gap > _FAR_BYTES:
        points += _FAR
    if one.start - _GRANULE * 4 > access.bad:  # far before an object is rare
        points += _FAR
    holder = _holder(held, one, exact=False)
    if holder is None:
        right_there = access.walks and candidate.next_to and gap < _GRANULE
        points = min(points, _UNHELD_WALK if right_there else _UNHELD)
    else:
        points += _HOLDS[holder.place]
        exactly = "its first byte" if holder.value == one.start else "it"
        reasons.append(f"{holder.name} points to {exactly}, with that tag")
    is_base = holder is not None and holder.place is Place.BASE
    if not is_base and any(_is_base_of(each.object, held) for each in candidates):
        points += _BASE_ELSEWHERE
    over = access.bad >= one.end
    where = place_words(one, access.address - one.start, access.bad - access.address)
    return _Weighed(
        points,
        Hypothesis(
            f"out of bounds: {where}",
            tuple(reasons),
            relation=Relation.OVERFLOW if over else Relation.UNDERFLOW,
            object=one,
            offset=access.address - one.start,
        ),
    )


def _is_base_of(one: MemoryObject, held: Sequence[Holder]) -> bool:
    return any(each.place is Place.BASE and each.value == one.start for each in held)


def _alike(access: BadAccess, candidates: Sequence[Candidate]) -> str:
    """What a match of tags is worth: how many objects were compared."""
    live = [each for each in candidates if each.object.state is ObjectState.LIVE]
    same = sum(each.tag == access.tag for each in live)
    things = "variables" if live and live[0].object.allocator == STACK else "objects"
    number = f"{same} of {len(live)} {things} here" if len(live) > 1 else "one in 15"
    return (
        f" (as {number} {'has' if same == 1 else 'have'} it)"
        if len(live) > 1
        else f" ({number} would be by chance)"
    )


def _holder(held: Sequence[Holder], one: MemoryObject, *, exact: bool) -> Holder | None:
    """The best pointer to an object: to its first byte, or else somewhere into it."""
    first = next((each for each in held if each.value == one.start), None)
    if first is not None or exact:
        return first
    inner = (each for each in held if each.place >= Place.REGISTER)
    return next((each for each in inner if one.start < each.value < one.end), None)


def _state_words(one: MemoryObject, tag: int | None) -> str:
    if one.allocator == STACK:
        return "it has left its scope" if one.is_free else f"that variable has the tag {tag}"
    if one.state is ObjectState.QUARANTINED:
        return f"{one.allocator} says that it was freed, and is in quarantine"
    if not one.is_free:
        return f"the memory belongs to an object in use, whose tag is {tag}"
    if one.allocator == "glibc":
        return "the whole chunk has tag 0, which glibc gives to freed memory"
    whose = "records say" if one.allocator == "hardened_malloc" else "header says"
    return f"{one.allocator}'s {whose} that it was freed"


_NAMES = {"glibc": "chunk", "hardened_malloc": "slot"}
"""What is rounded up is called as its allocator calls it: the user may have asked for less."""


def place_words(one: MemoryObject, offset: int, length: int = 0) -> str:
    """Where an access is, by an object: "8 bytes into a freed chunk of 48 bytes at 0xffff…".

    Args:
        one: the object.
        offset: bytes from its beginning to the first byte of the access.
        length: bytes from there to the first that was wrong.
    """
    kind = _NAMES.get(one.allocator, "object")
    named = {
        ObjectState.LIVE: f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}",
        ObjectState.FREED: f"a freed {kind}",
        ObjectState.QUARANTINED: f"a freed {kind}",
        ObjectState.SPARE: "unused memory",
    }[one.state]
    whose = f"{named} of {bytes_words(one.size)} at {one.start:#x}"
    if one.name:
        declared = f" ({one.source})" if one.source else ""
        whose = f"{one.name} ({bytes_words(one.size)}) in {one.function}{declared}"
    if offset < 0:
        return f"{bytes_words(-offset)} before {whose}"
    if offset < one.size:
        over = ", over its end" if offset + length >= one.size else ""
        into = f"{bytes_words(offset)} into" if offset else "at the beginning of"
        return f"{into} {whose}{over}"
    past = offset - one.size
    return f"{bytes_words(past)} past the end of {whose}" if past else f"right after {whose}"


def bytes_words(count: int) -> str:
    """A number of bytes in words, as "1 byte"."""
    return f"{count} byte{'s' if count != 1 else ''}"
