"""Whether what the runtime did in a round can only end as x86 allows.

Every execution that Arm has for the trace is taken, and those of its stale pairs: where a shared
memop was made local in place and nobody was stopped for it, another thread that had run the old
tag insert [1] of that memop may run the new plain access [2]. Lockstep never stops between the two,
so this is put in here, as the other thread's latest access in the old form: it is done later, in
the plain form, where the tag that the old [1] gave it still fits.

Nor does lockstep let anybody run in the middle of fault handling. A thread that ran behind it may
have run before it met one of its barriers: each is tried late, for each thread.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tests.soundness import arm, tso
from tests.soundness.schedules import TESTS, Litmus
from tests.soundness.steps import Access, Everywhere, Form, Lock, Met, Step, Switch, Tag, Unlock
from tests.soundness.traces import Ran, Traced, steps_of
from tests.soundness.tso import Outcome


@dataclass(frozen=True)
class Violation:
    """An outcome that x86 does not have, of a round that was run.

    Attributes:
        stale: whether it takes a stale pair.
    """

    traced: Traced
    outcome: Outcome
    stale: bool


@functools.cache
def allowed(test: str) -> frozenset[Outcome]:
    """What x86 allows of a test of `TESTS`."""
    return tso.outcomes(TESTS[test].program, TESTS[test].cells)


def violations(test: Litmus, traced: Traced) -> list[Violation]:
    """What a round may end with on Arm and not on x86."""
    bad = dict.fromkeys(_forbidden(test, traced.turns), False)
    for turns in stale_pairs(traced.turns):
        bad |= {outcome: True for outcome in _forbidden(test, turns) if outcome not in bad}
    return [Violation(traced, outcome, stale) for outcome, stale in sorted(bad.items())]


def _forbidden(test: Litmus, turns: Sequence[Ran]) -> frozenset[Outcome]:
    steps = steps_of(turns)
    ways = [steps, *late_barriers(steps, len(test.threads))]
    found = (arm.outcomes(way, len(test.threads), test.cells) for way in ways)
    return frozenset().union(*found) - allowed(test.name)


def late_barriers(steps: Sequence[Step], threads: int) -> Iterator[list[Step]]:
    """The same steps, each time with a thread that meets a barrier and those after it late.

    It meets them all at one place, behind one or more of its accesses, and no later than it
    handles a fault itself: the lock was held over the barriers.
    """
    for at, asked in enumerate(steps):
        if not isinstance(asked, Everywhere):
            continue
        unlocks = (i for i in range(at, len(steps)) if isinstance(steps[i], Unlock))
        end = next(unlocks, at)
        for late in set(range(threads)) - {asked.thread}:
            for meets in _places(steps, end, late):
                names = [i for i in range(at, end + 1) if isinstance(steps[i], Everywhere)]
                yield _delayed(steps, names, meets, late)


def _places(steps: Sequence[Step], begin: int, thread: int) -> Iterator[int]:
    for at in range(begin, len(steps)):
        step = steps[at]
        if isinstance(step, Lock | Switch) and step.thread == thread:
            return
        if isinstance(step, Access) and step.thread == thread:
            yield at


def _delayed(steps: Sequence[Step], names: Sequence[int], meets: int, late: int) -> list[Step]:
    delayed: list[Step] = []
    for at, step in enumerate(steps):
        if at in names and isinstance(step, Everywhere):
            step = replace(step, name=at, late=frozenset({late}))
        delayed.append(step)
        if at == meets:
            delayed += [Met(late, name) for name in names]
    return delayed


def stale_pairs(turns: Sequence[Ran]) -> Iterator[list[Ran]]:
    """The same turns, each time with one access done late by a stale pair."""
    for at, turn in enumerate(turns):
        for memop in turn.weakened:
            for thread in {other.thread for other in turns[:at]} - {turn.thread}:
                late = max(i for i in range(at) if turns[i].thread == thread)
                access = turns[late].access
                if access is None or turns[late].memop != memop or access.form is not Form.ORDERED:
                    continue
                if any(_retags(one, access.op.cell) for one in turns[late + 1 : at + 1]):
                    continue
                plain = replace(turns[late], access=replace(access, form=Form.PLAIN, memop=0))
                yield [*turns[:late], *turns[late + 1 : at + 1], plain, *turns[at + 1 :]]


def _retags(turn: Ran, cell: int) -> bool:
    return any(isinstance(step, Tag) and step.cell == cell for step in turn.steps)
