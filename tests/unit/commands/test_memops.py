"""`memops`: filters and orders."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.errors import UsageError
from tests.support.runtime_image import image


def run(line: str) -> str:
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command is not None
    return execute(image().session(), command, rest)


def report(line: str) -> dict[str, Any]:
    answer = json.loads(run(f"{line} --json"))
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ("", [1, 2, 3, 4, 5, 6]),
        ("--mode shared", [2, 5]),
        ("--mode Local", [1, 3, 4, 6]),
        ("--block 2 -n 2", [1, 2]),
        ("--block 3", []),
        ("--sort flips -n 1", [2]),
        ("--sort faults -n 1", [2]),
        ("--sort id -n 3", [1, 2, 3]),
    ],
)
def test_filters_and_orders(options: str, ids: list[int]) -> None:
    assert [row["id"] for row in report(f"memops {options}")["rows"]] == ids


def test_rows_are_those_of_memop() -> None:
    rows = {row["id"]: row for row in report("memops")["rows"]}
    for number in (1, 2, 3, 6):
        (alone,) = report(f"memop {number}")["rows"]
        assert rows[number] == alone


def test_what_is_not_shown_is_counted() -> None:
    answer = report("memops -n 4")
    assert answer["notes"][0] == "2 more are not shown: -n 6 shows more"
    assert answer["headline"].startswith("4 of 6 memops")


@pytest.mark.parametrize("options", ["--mode Mixed", "--sort weight"])
def test_names_that_are_not_there(options: str) -> None:
    with pytest.raises(UsageError):
        run(f"memops {options}")
