"""A sample of the matrix of crashing programs; `make crashes` runs all of it.

The programs say what their bug is before they crash, so what is said of their cores is held against
what is true. GDB says what their calls are.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crashes import cells, grouping
from tests.crashes.__main__ import Answer, answered, table, wrong_calls
from tests.crashes.damage import faults
from tests.crashes.produce import VARIANTS, Crash, produce_all, vm_for_crashes
from tests.crashes.verdict import Verdict

DAMAGED = 40
GROUPED = ("uaf_read", "uaf_write", "uaf_reused", "over_1", "over_100", "double_free")
RUNS = 3


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> list[Crash]:
    """The sample's cores."""
    return list(produce_all(cells.sample(), tmp_path_factory.mktemp("crashes")))


@pytest.fixture(scope="module")
def answers(crashes: list[Crash]) -> list[Answer]:
    """What is said of them, beside each set of files."""
    return answered(crashes, VARIANTS)


def test_no_first_line_is_false(answers: list[Answer], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{table(answers)}")
    wrong = [
        f"{each.crash.name}, {each.variant}: "
        f"{each.said.headline if each.said else each.failure}: {each.judged.why}"
        for each in answers
        if each.judged.verdict is Verdict.WRONG
    ]
    assert not wrong, "\n".join(wrong)


def test_calls_are_gdbs(answers: list[Answer]) -> None:
    wrong = wrong_calls(answers)
    assert not wrong, "\n".join(wrong)


def test_damaged_copies_are_read_or_refused(crashes: list[Crash], tmp_path: Path) -> None:
    found = faults(crashes, DAMAGED, tmp_path)
    assert not found, "\n".join(found)


def test_groups_are_bugs(tmp_path: Path) -> None:
    made: list[Crash] = []
    into = tmp_path / "cores"
    with vm_for_crashes() as vm:
        for rebuilt in (False, True):
            made += grouping.crashes(vm, "glibc", GROUPED, RUNS, into, rebuilt=rebuilt)
    found = grouping.measure(made, "exe", tmp_path)
    least = min(found.precision, found.recall)
    assert least >= grouping.LEAST, f"{found} {found.mixed} {found.split}"
