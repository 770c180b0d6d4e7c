"""What went wrong with a variable on a tagged stack: hypotheses.

What is below the stack pointer is nobody's: a pointer to it is older than the functions that run.
Above it are frames, whose variables debug information names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.by_tags import by_tags
from mtedbg.analysis.fault.holders import Holder, holders
from mtedbg.analysis.fault.ranking import Candidate, bytes_words, ranked
from mtedbg.analysis.tags.span import tag_at
from mtedbg.model.absent import or_else
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.memory_object import MemoryObject, ObjectState

if TYPE_CHECKING:
    from mtedbg.analysis.fault.bad_access import BadAccess
    from mtedbg.analysis.fault.stack_memory import StackAround
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

_STRONG = (Strength.READ, Strength.LIKELY)


def stack_hypotheses(
    session: Session, access: BadAccess, around: StackAround, memory: int, region: Region | None
) -> tuple[Hypothesis, ...]:
    """What may have happened, likeliest first.

    Args:
        session: where.
        access: what faulted.
        around: the stack that it is on.
        memory: the tag of the memory.
        region: the mapping that holds the address.
    """
    held = holders(session, access)
    next_to = _neighbours(access, around.variables)
    candidates = tuple(
        Candidate(one, or_else(tag_at(session, one.start), None), one.start in next_to)
        for one in around.variables
    )
    found = ranked(access, candidates, held)
    if access.bad < around.sp:
        return _first(_below(access, around), found)
    if found:
        return _first(found[0], found[1:])
    if around.variables:
        return (_in_a_frame(access, around, held),)
    return by_tags(session, access, memory, region, on_stack=True)


def _first(one: Hypothesis, others: Sequence[Hypothesis]) -> tuple[Hypothesis, ...]:
    """`one`, after another that more speaks for."""
    better = [each for each in others if each.strength is Strength.READ]
    rest = [each for each in others if each not in better]
    return (*better, one, *rest)


def _below(access: BadAccess, around: StackAround) -> Hypothesis:
    below = bytes_words(around.sp - access.bad)
    return Hypothesis(
        f"use after return: {below} below the stack pointer",
        (
            f"the function whose variable it was has returned: sp is {around.sp:#x}, and nothing"
            " below it is in use",
        ),
        evident=True,
        relation=Relation.USE_AFTER_RETURN,
        strength=Strength.READ,
    )


def _in_a_frame(access: BadAccess, around: StackAround, held: Sequence[Holder]) -> Hypothesis:
    place = next((one.name for one in held if one.value == access.address), "the address")
    return Hypothesis(
        "use after return",
        (
            f"{place} is in the frames of functions that run, in none of their variables, and none"
            f" of these has the pointer's tag {access.tag}",
        ),
        evident=True,
        relation=Relation.USE_AFTER_RETURN,
        strength=Strength.LIKELY if around.frames > 1 else Strength.POSSIBLE,
    )


def _neighbours(access: BadAccess, variables: Sequence[MemoryObject]) -> set[int]:
    """The variables in use right before and right after the access."""
    live = [one for one in variables if one.state is ObjectState.LIVE]
    before = max((one.start for one in live if one.end <= access.bad), default=None)
    after = min((one.start for one in live if one.start > access.bad), default=None)
    return {start for start in (before, after) if start is not None}
