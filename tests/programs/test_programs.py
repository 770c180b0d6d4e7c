"""A sample of the programs; `make programs` runs all of them, in every way, and in the VM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from mtedbg.lab.vm import Vm
from tests.programs.run import (
    OUT_OF_PATIENCE,
    difference,
    in_vm,
    machine,
    moved_ways,
    under_qemu,
    ways,
)
from tests.programs.table import PROGRAMS
from tests.support import x86_64

QUICK = [
    (program.runs[number], program.limit_s) for program in PROGRAMS for number in program.quick
]
COUNTER = ("counter",)
LIMIT_S = 600

pytestmark = x86_64.only_natively("the processor is the oracle")


@pytest.fixture(scope="module")
def vm() -> Iterator[Vm]:
    with machine() as booted:
        yield booted


@pytest.mark.parametrize("number", range(len(QUICK)), ids=lambda n: "-".join(QUICK[n][0][:2])[-40:])
def test_output_and_status_are_the_processors(number: int) -> None:
    """Each in one way; they take turns."""
    command: Sequence[str]
    command, limit_s = QUICK[number]
    way = ways()[number % len(ways())]
    found = difference(command, way, under_qemu(command, way, limit_s))
    assert not found


@pytest.mark.parametrize("way", [1, 6])
def test_in_the_vm(vm: Vm, way: int) -> None:
    options = ways()[way]
    assert not difference(COUNTER, options, in_vm(vm)(COUNTER, options, LIMIT_S))


def test_the_vm_has_names_of_open_files(vm: Vm) -> None:
    command = ("/usr/bin/dash", "-c", "cat /dev/stdin /dev/fd/3 <loops.sh 3<all.pl >/dev/stdout")
    assert not difference(command, (), in_vm(vm)(command, (), LIMIT_S))


@pytest.mark.parametrize("way", moved_ways()[1:4:2], ids=" ".join)
def test_threads_that_are_moved(vm: Vm, way: Sequence[str]) -> None:
    found = in_vm(vm, moved=True)(COUNTER, way, LIMIT_S)
    assert not difference(COUNTER, way, found)
    assert found.bound > 0


def test_a_hopeless_run_ends(vm: Vm) -> None:
    for run in (in_vm(vm), under_qemu):
        assert run(("/usr/bin/perl", "-e", "1 while 1"), (), 1).status == OUT_OF_PATIENCE
    assert not difference(COUNTER, (), in_vm(vm)(COUNTER, (), LIMIT_S))
