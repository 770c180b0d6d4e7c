"""The two models against what is known of them, and the one of Arm against herd7's record."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.soundness import arm, tso
from tests.soundness.judge import late_barriers
from tests.soundness.random_programs import COUNT, digest, in_words, numbered, recorded
from tests.soundness.schedules import TESTS
from tests.soundness.steps import Access, Everywhere, Fence, Form, Lock, Step, Switch, Tag, Unlock
from tests.soundness.tso import Kind, Op, Outcome, Program

# What a test is about: the outcome that tells orders apart, what x86 says of it, what Arm says
# where all accesses are plain, and where all acquire or release. Thread t writes 2t+1, 2t+2.
KNOWN = {
    "MP": ("-; 2 0", False, True, False),
    "SB": ("0; 0", True, True, True),
    "SB+mfence": ("0; 0", False, False, False),
    "SB+xchg": ("0 0; 0 0", False, False, False),
    "LB": ("4; 2", False, True, False),
    "CoRR": ("-; 1 0", False, False, False),
    "IRIW": ("-; -; 1 0; 3 0", False, True, False),
    "2+2W": ("| 1 3", False, True, False),
    "CoWW": ("| 1", False, False, False),
}


def matches(outcome: Outcome, what: str) -> bool:
    reads = "; ".join(" ".join(map(str, thread)) or "-" for thread in outcome.reads)
    cells = f"| {' '.join(map(str, outcome.cells))}"
    return what == (cells if what.startswith("|") else reads)


def steps_of(program: Program, form: Form) -> list[Step]:
    """A program run one thread after the other: traces fix only what is inside each."""
    steps: list[Step] = []
    for thread, ops in enumerate(program):
        for op in ops:
            if op.kind is Kind.FENCE:
                steps.append(Fence(thread))
            else:
                atomic = op.kind is Kind.EXCHANGE
                steps.append(Access(thread, op, Form.ATOMIC if atomic else form))
    return steps


def on_arm(program: Program, form: Form, cells: int = 2) -> frozenset[Outcome]:
    return arm.outcomes(steps_of(program, form), len(program), cells)


@pytest.mark.parametrize("name", KNOWN)
def test_known_verdicts(name: str) -> None:
    what, x86, plain, ordered = KNOWN[name]
    test = TESTS[name]

    def reaches(outcomes: frozenset[Outcome]) -> bool:
        assert outcomes
        return any(matches(outcome, what) for outcome in outcomes)

    assert reaches(tso.outcomes(test.program, test.cells)) == x86
    assert reaches(on_arm(test.program, Form.PLAIN, test.cells)) == plain
    assert reaches(on_arm(test.program, Form.ORDERED, test.cells)) == ordered


KINDS = st.tuples(st.sampled_from(Kind), st.integers(0, 1))
PROGRAMS = st.lists(st.lists(KINDS, min_size=1, max_size=2), min_size=2, max_size=3).map(numbered)


@settings(max_examples=100, deadline=None)
@given(PROGRAMS)
def test_ordered_accesses_keep_what_x86_promises(program: Program) -> None:
    assert on_arm(program, Form.ORDERED) <= tso.outcomes(program, 2)


@settings(max_examples=100, deadline=None)
@given(PROGRAMS)
def test_plain_accesses_may_do_whatever_ordered_ones_may(program: Program) -> None:
    assert on_arm(program, Form.ORDERED) <= on_arm(program, Form.PLAIN)


# An instruction of 16 bytes: the lower half, then the upper one, each an access of 8 bytes.
HALVES = st.sampled_from((Kind.READ, Kind.WRITE)).map(lambda kind: [(kind, 0), (kind, 1)])
VECTORS = st.lists(
    st.lists(HALVES | KINDS.map(lambda one: [one]), min_size=1, max_size=2).map(
        lambda instructions: [half for one in instructions for half in one]
    ),
    min_size=2,
    max_size=2,
).map(numbered)


@settings(max_examples=60, deadline=None)
@given(VECTORS)
def test_vectors_in_two_halves_keep_what_x86_promises(program: Program) -> None:
    assert on_arm(program, Form.ORDERED) <= tso.outcomes(program, 2)


def test_vectors_in_plain_halves_do_not() -> None:
    """The broken form: who sees the upper half of a vector on shared memory has not all of it."""
    program = numbered([[(Kind.WRITE, 0), (Kind.WRITE, 1)], [(Kind.READ, 1), (Kind.READ, 0)]])
    assert on_arm(program, Form.ORDERED) <= tso.outcomes(program, 2)
    assert not on_arm(program, Form.PLAIN) <= tso.outcomes(program, 2)


def test_the_record_has_what_herd7_was_asked() -> None:
    kept = recorded()
    assert len(kept) == COUNT
    for one in kept:
        assert one.sha256 == digest(one.program)
    outcomes = [len(one.outcomes) for one in kept]
    assert max(outcomes) > 10
    assert {len(one.program.program) for one in kept} == {2, 3}


@pytest.mark.parametrize("number", range(COUNT))
def test_the_model_of_arm_gives_the_outcomes_that_herd7_gave(number: int) -> None:
    one = recorded()[number]
    given_here = arm.outcomes(one.program.steps(), len(one.program.program), 2)
    assert in_words(given_here) == one.outcomes, one.program.litmus()


@pytest.mark.herd7
def test_herd7_still_gives_them() -> None:
    for one in recorded():
        assert in_words(one.program.by_herd()) == one.outcomes


X, Y = 0, 1


def producer(first: Form) -> list[Step]:
    write = [Op(Kind.WRITE, X, 1), Op(Kind.WRITE, Y, 2)]
    return [Access(0, write[0], first), Access(0, write[1], Form.PLAIN)]


def consumer(thread: int) -> list[Step]:
    return [Access(thread, Op(Kind.READ, cell), Form.ORDERED) for cell in (Y, X)]


def seen_late(outcomes: frozenset[Outcome], thread: int) -> bool:
    """Whether a consumer can see the flag without its data."""
    return any(outcome.reads[thread] == (2, 0) for outcome in outcomes)


@pytest.mark.parametrize("barrier", [False, True])
def test_a_retag_needs_a_barrier(barrier: bool) -> None:
    """litmus/migrate-mp.litmus and migrate-mp-membarrier.litmus, with both cells taken over."""
    steps = producer(Form.PLAIN)
    for access in consumer(1):
        assert isinstance(access, Access)
        everywhere: list[Step] = [Everywhere(1)] if barrier else []
        steps += [Lock(1), Tag(1, access.op.cell), Fence(1), *everywhere, Unlock(1), access]
    assert seen_late(arm.outcomes(steps, 2, 2), 1) != barrier


@pytest.mark.parametrize(("guard", "barriers"), [(False, 1), (False, 2), (True, 1), (True, 2)])
def test_a_bystander_needs_the_guard_and_two_barriers(guard: bool, barriers: int) -> None:
    """litmus/bystander*.litmus: while one thread retags, a third has the ordered form already."""
    tag: list[Step] = [Tag(1, Y), Fence(1)]
    retag = [*(tag if guard else []), *[Everywhere(1)] * barriers, *(tag if guard else [])]
    retag = retag if guard else [*tag, *retag]
    steps = [*producer(Form.ORDERED), Lock(1), *retag, Unlock(1), *consumer(2)]
    ways = [steps, *late_barriers(steps, 3)]
    late = any(seen_late(arm.outcomes(way, 3, 2), 2) for way in ways)
    assert late != (guard and barriers == 2)


def test_a_core_that_goes_on_with_another_thread_keeps_order() -> None:
    program = TESTS["SB"].program
    first, second = (
        steps_of(((), ops) if t else (ops,), Form.PLAIN) for t, ops in enumerate(program)
    )
    apart = arm.outcomes([*first, *second], 2, 2)
    switched = arm.outcomes([*first, Switch(0, 1), *second], 2, 2)
    assert {outcome.reads for outcome in switched} == {((0,), (1,))} < {o.reads for o in apart}
