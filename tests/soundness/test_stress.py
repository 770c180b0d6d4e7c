"""Litmus tests on real threads, on four processors of a VM: some hundred rounds of each."""

from collections.abc import Iterator

import pytest

from mtedbg.lab.vm import Vm
from tests.soundness.stress import TESTS, WAYS, machine, run

ROUNDS = 250


@pytest.fixture(scope="module")
def vm() -> Iterator[Vm]:
    with machine() as booted:
        yield booted


@pytest.mark.parametrize("test", TESTS)
def test_no_outcome_that_x86_does_not_have(vm: Vm, test: str) -> None:
    for way in WAYS:
        found = run(vm, test, ROUNDS, way)
        assert (found.status, found.said) == (0, ""), (way, found)
        assert sum(found.counts) == ROUNDS
        assert len([count for count in found.counts if count]) > 1, (way, "always the same")
