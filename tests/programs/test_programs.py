"""A sample of the programs; `make programs` runs all of them, in every way, and in the VM."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import pytest

from tests.programs.run import difference, under_qemu, ways
from tests.programs.table import PROGRAMS

QUICK = [
    (program.runs[number], program.limit_s) for program in PROGRAMS for number in program.quick
]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the processor is the oracle")
@pytest.mark.parametrize("number", range(len(QUICK)), ids=lambda n: "-".join(QUICK[n][0][:2])[-40:])
def test_output_and_status_are_the_processors(number: int) -> None:
    """Each in one way; they take turns."""
    command: Sequence[str]
    command, limit_s = QUICK[number]
    found = difference(command, ways()[number % len(ways())], limit_s, under_qemu)
    assert not found
