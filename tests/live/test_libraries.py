"""Two of the programs of public libraries: one thread owns all that it touches."""

import pytest

from bench.libraries.measure import run
from bench.libraries.programs import PROGRAMS, built

SAMPLE = ("musl", "dlmalloc")


@pytest.mark.parametrize("name", SAMPLE)
def test_one_thread_needs_no_order(name: str) -> None:
    (program,) = (one for one in PROGRAMS if one.name == name)
    elf = built(program)
    found = run(elf)
    assert found.memops > 500
    assert found.ordered <= 0.01 * found.memops
    assert found.faults <= run(elf, "--policy", "seed").faults
    # The programs do what orders accesses, where their memory is not their own at first.
    assert run(elf, "--data-start", "shared").ordered > 10
