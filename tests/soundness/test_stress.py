"""Litmus tests on real threads, on four processors of a VM: some rounds of each, five ways."""

from collections.abc import Iterator

import pytest

from mtedbg.lab.vm import Vm
from tests.soundness.stress import TESTS, WAYS, machine, run

ROUNDS = {"IRIW": 25}
"""Four threads that wait for each other on two processors of the host take their time."""
OTHERWISE = 100


@pytest.fixture(scope="module")
def vm() -> Iterator[Vm]:
    with machine() as booted:
        yield booted


@pytest.mark.parametrize("test", TESTS)
def test_no_outcome_that_x86_does_not_have(vm: Vm, test: str) -> None:
    rounds = ROUNDS.get(test, OTHERWISE)
    for way in WAYS:
        found = run(vm, test, rounds, way)
        assert (found.status, found.said) == (0, ""), (way, found)
        assert sum(found.counts) == rounds
        assert len([count for count in found.counts if count]) > 1, (way, "always the same")
