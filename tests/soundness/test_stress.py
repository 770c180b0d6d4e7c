"""Litmus tests on real threads, on four processors of a VM: some rounds of each."""

from collections import Counter
from collections.abc import Iterator

import pytest

from mtedbg.lab.vm import Vm
from tests.soundness.stress import TESTS, WAYS, machine, run

ROUNDS = {"IRIW": 32}
"""Four threads on two processors of the host take their time."""
OTHERWISE = 128


@pytest.fixture(scope="module")
def vm() -> Iterator[Vm]:
    with machine() as booted:
        yield booted


@pytest.mark.parametrize("test", TESTS)
def test_no_outcome_that_x86_does_not_have(vm: Vm, test: str) -> None:
    """Every way for some of the tests; `make stress` has all with all."""
    rounds, number = ROUNDS.get(test, OTHERWISE), TESTS.index(test)
    counts: Counter[int] = Counter()
    for seed, way in enumerate(WAYS[number % 3 :: 3]):
        found = run(vm, test, rounds, way, seed)
        assert (found.status, found.said) == (0, ""), (way, found)
        assert sum(found.counts) == rounds
        assert way.moved or found.moves == 0
        assert (found.bound > 0) is way.moved
        counts.update({outcome: count for outcome, count in enumerate(found.counts) if count})
    assert len(counts) > 1, "always the same"


def test_threads_are_moved(vm: Vm) -> None:
    """What the guest sees of it: so few of its own looks, and still moves among them."""
    (way,) = (
        one for one in WAYS if str(one).endswith("--core-id rseq-strict --policy sticky moved")
    )
    assert run(vm, "SB", 320, way).moves > 1
