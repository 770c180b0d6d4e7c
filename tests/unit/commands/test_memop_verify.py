"""Threads between the two instructions of a memop, and memops against their bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.session import Session
from tests.support.runtime_image import Image, image

OWN = 2
"""The tag of the core that thread 1 of the image runs on."""

LOCAL, SHARED, LOCKED, NO_INSERT, BETWEEN = 0x14, 0x24, 0x44, 0x54, 0x64
"""Offsets of accesses [2], and of an instruction between [1] and [2], from the block's base."""


def report(made: Image, pc: int, pointer_tag: int) -> dict[str, Any]:
    """The report where thread 1 is at `pc`, from the block's base, with a tag in x16."""
    target = made.target()
    registers = target.register_sets[1]
    registers["pc"] = made.places["baseline"] + pc
    registers["x16"] = pointer_tag << 56 | 0x500000
    command = find("memop-verify")
    assert command is not None
    answer = json.loads(execute(Session(target), command, "--json"))
    assert isinstance(answer, dict)
    return answer


def stale(made: Image, pc: int, pointer_tag: int) -> list[dict[str, Any]]:
    rows = report(made, pc, pointer_tag)["rows"]
    return [row for row in rows if row["kind"] == "stale-pair"]


@pytest.mark.parametrize("shared", [0, 15])
def test_pairs_that_fit_are_none(shared: int) -> None:
    made = image(shared_tag=shared)
    assert stale(made, LOCAL, OWN) == []
    assert stale(made, SHARED, shared) == []
    assert stale(made, LOCKED, OWN) == []


@pytest.mark.parametrize("shared", [0, 15])
def test_the_pair_that_loses_its_order(shared: int) -> None:
    """The old [1] put the shared tag in, the new [2] is a plain load."""
    (row,) = stale(image(shared_tag=shared), LOCAL, shared)
    assert (row["id"], row["thread"]) == (1, 1)
    assert row["detail"].startswith(f"[1] gave tag {shared}, it would give {OWN} now;")
    assert row["detail"].endswith("it silently loses its ordering")


def test_the_pairs_that_do_no_harm() -> None:
    (ordered,) = stale(image(), SHARED, OWN)
    assert "harmless" in ordered["detail"]
    (locked,) = stale(image(), LOCKED, 0)
    assert "harmless" in locked["detail"]


def test_the_tag_of_another_core() -> None:
    (row,) = stale(image(), LOCAL, 7)
    assert "a core on which the thread no longer runs" in row["detail"]


@pytest.mark.parametrize("pc", [LOCAL - 4, LOCAL + 4, NO_INSERT])
def test_before_the_insert_and_behind_the_access_there_is_no_pair(pc: int) -> None:
    assert stale(image(), pc, 7) == []


def test_between_the_two_words_there_is_one() -> None:
    (row,) = stale(image(), BETWEEN, OWN)
    assert row["id"] == 6


def test_bytes_and_patches_in_flight() -> None:
    answer = report(image(), LOCAL, OWN)
    kinds = {row["id"]: (row["kind"], row["thread"]) for row in answer["rows"]}
    # Guest thread 2, which patches memop 3, is run by host thread 1.
    assert kinds == {3: ("in-flight", 1), 6: ("bytes", None)}
    assert answer["headline"].startswith("1 of 6 memops contradict their bytes; 1 thread between")


def test_words_that_are_none() -> None:
    made = image()
    made = made.with_word(made.places["baseline"] + LOCAL, 0, 4)
    (row,) = (row for row in report(made, 0, 0)["rows"] if row["id"] == 1)
    assert row["kind"] == "bytes"
    assert "cannot be" in row["detail"]


def test_registers_that_are_not_there() -> None:
    target = image().target()
    del target.register_sets[2]
    command = find("memop-verify")
    assert command is not None
    answer = json.loads(execute(Session(target), command, "--json"))
    assert ("unreadable", 2) in [(row["kind"], row["thread"]) for row in answer["rows"]]
