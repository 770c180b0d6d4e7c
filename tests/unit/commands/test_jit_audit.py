"""Every finding of `jit-audit`, each from one number that is changed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from mtedbg.analysis.code.audit import audit
from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.model.code import Block, Function, Range, Segment
from mtedbg.model.memop import Memop
from mtedbg.model.runtime import Journal, Slots
from tests.support.runtime_image import BASE, Image, image

HEADER, CHECKSUM = 24, 20
IN_FLIGHT = ("info", "in-flight", "guest thread 2")
"""The image has a patch in flight."""

Change = Callable[[], Image]


def place(made: Image, model: type[Any], field: str) -> tuple[int, int]:
    """Offset and width of a field."""
    offset, width = made.runtime().layout.reader(model).place(field)
    return offset, width


def in_table(name: str, index: int, model: type[Any], field: str, value: int) -> Image:
    """A field of a table's newest records changed, and its checksum made right."""
    made = image()
    buffer = made.places[f"{name}.buffer0"]
    at = buffer - BASE
    count, stride = (int.from_bytes(made.data[at + n : at + n + 4], "little") for n in (8, 16))
    offset, width = place(made, model, field)
    made = made.with_word(buffer + HEADER + index * stride + offset, value, width)
    records = made.data[at + HEADER : at + HEADER + count * stride]
    return made.with_word(buffer + CHECKSUM, zlib.crc32(records), 4)


def in_array(start: str, index: int, model: type[Any], field: str, value: int) -> Image:
    """A field of a record in an array changed."""
    made = image()
    offset, width = place(made, model, field)
    size = made.runtime().layout.reader(model).size
    return made.with_word(made.places[start] + index * size + offset, value, width)


def block(index: int, field: str, value: int) -> Change:
    return lambda: in_table("code-map", index, Block, field, value)


def memop(index: int, field: str, value: int) -> Change:
    return lambda: in_array("memops", index, Memop, field, value)


def rows(made: Image) -> list[dict[str, Any]]:
    command = find("jit-audit")
    assert command is not None
    answer = json.loads(execute(made.session(), command, "--json"))["rows"]
    assert isinstance(answer, list)
    return answer


def found(made: Image) -> set[tuple[str, str, str]]:
    return {(row["severity"], row["what"], row["where"]) for row in rows(made)}


def test_a_sound_map_has_no_errors() -> None:
    assert found(image()) == {IN_FLIGHT}


def test_functions_that_are_zeros_are_told() -> None:
    made = image(form="slots")
    table, size = made.places["functions"], made.runtime().layout.reader(Slots).size
    assert ("error", "unreadable", "functions") in found(made.with_bytes(table, bytes(size)))


BASE_OF_2 = image().places["baseline"]
UNSORTED = BASE_OF_2 - 0x140 - 0x80
CASES: dict[str, tuple[Change, set[tuple[str, str, str]]]] = {
    "overlap": (block(1, "base", BASE_OF_2 - 0x80), {("error", "overlap", "block 2")}),
    "unsorted": (block(1, "base", UNSORTED), {("error", "unsorted", "block 2")}),
    "duplicate": (block(1, "id", 1), {("error", "duplicate", "block 1")}),
    "empty": (block(0, "length", 0), {("error", "impossible", "block 1")}),
    "outside-segment": (block(2, "length", 0x100000), {("error", "outside", "block 3")}),
    "no-segment": (block(0, "segment", 77), {("error", "dangling", "block 1")}),
    "building": (block(0, "state", 0), {("error", "state", "block 1")}),
    "still-there": (block(0, "id", 9), {("error", "retired", "block 9")}),
    "superseded-by": (block(0, "superseded_by", 77), {("warning", "dangling", "block 1")}),
    "checksum": (block(0, "ranges_checksum", 1), {("error", "checksum", "ranges of block 1")}),
    "no-ranges": (block(0, "ranges", 0x10), {("error", "unreadable", "ranges of block 1")}),
    "range-outside": (
        lambda: in_array("ranges", 1, Range, "end", 0x4000),
        {("error", "outside", "range 1 of block 2"), ("error", "checksum", "ranges of block 2")},
    ),
    "range-overlap": (
        lambda: in_array("ranges", 1, Range, "begin", 0x80),
        {("error", "overlap", "range 1 of block 2"), ("error", "checksum", "ranges of block 2")},
    ),
    "range-function": (
        lambda: in_array("ranges", 0, Range, "function", 77),
        {("error", "dangling", "range 0 of block 2"), ("error", "checksum", "ranges of block 2")},
    ),
    "memop-outside": (memop(5, "address", BASE_OF_2 + 0x1000), {("error", "outside", "memop 6")}),
    "memop-unsorted": (memop(4, "address", BASE_OF_2 + 0x14), {("error", "unsorted", "memop 5")}),
    "memop-overlap": (
        memop(1, "tag_address", BASE_OF_2 + 0x14), {("error", "overlap", "memop 2")},
    ),
    "memop-odd": (memop(4, "address", BASE_OF_2 + 0x55), {("error", "impossible", "memop 5")}),
    "memop-block": (memop(0, "block", 3), {("error", "dangling", "memop 1")}),
    "segment-short": (
        lambda: in_table("segments", 0, Segment, "capacity", 0x200),
        {("error", "outside", "block 2"), ("error", "outside", "block 3")},
    ),
    "function-block": (
        lambda: in_table("functions", 0, Function, "block", 77),
        {("error", "dangling", "function 0")},
    ),
    "function-in-retired": (
        lambda: in_table("functions", 1, Function, "block", 9),
        {("error", "dangling", "function 1")},
    ),
    "function-backwards": (
        lambda: in_table("functions", 0, Function, "guest_end", 1),
        {("error", "impossible", "function 0")},
    ),
    "function-order": (
        lambda: in_table("functions", 1, Function, "index", 5),
        {("error", "unsorted", "function 5"), ("error", "dangling", "range 1 of block 2")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_change_is_one_finding(name: str) -> None:
    change, expected = CASES[name]
    wrong = found(change()) - {IN_FLIGHT}
    assert expected <= wrong
    # Nothing else is blamed, but ranges and memops that belong to what was moved.
    moved = {"overlap", "unsorted", "empty", "outside-segment", "duplicate", "still-there"}
    if name not in moved and name != "function-order":
        assert wrong == expected


@pytest.mark.parametrize("name", ["code-map", "retired", "segments", "threads", "functions"])
def test_a_torn_table_is_one_generation_old(name: str) -> None:
    made = image()
    torn = made.with_word(made.places[f"{name}.buffer0"] + CHECKSUM, 0, 4)
    assert ("warning", "stale", name) in found(torn)
    lost = torn.with_word(made.places[f"{name}.buffer1"] + CHECKSUM, 1, 4)
    assert ("error", "unreadable", name) in found(lost)


def test_a_frame_that_is_not_there() -> None:
    made = image()
    records = made.places["threads.buffer0"] + HEADER
    at = records + 16  # Thread.frame of the first
    changed = made.with_word(at, 0x10)
    start = made.places["threads.buffer0"] - BASE
    count, stride = (
        int.from_bytes(made.data[start + n : start + n + 4], "little") for n in (8, 16)
    )
    data = changed.data[start + HEADER : start + HEADER + count * stride]
    changed = changed.with_word(made.places["threads.buffer0"] + CHECKSUM, zlib.crc32(data), 4)
    assert ("error", "unreadable", "guest thread 1") in found(changed)


@pytest.mark.parametrize(("operation", "word"), [(2, "InsertBlock"), (3, "RetireBlock")])
def test_a_core_taken_in_the_middle_of_a_change(operation: int, word: str) -> None:
    """What is being inserted or removed may be in two places, or in none."""
    made = image()
    size = made.runtime().layout.reader(Journal).size
    slot = made.places["journal"] + size
    for field, value in (("operation", operation), ("block", 9), ("thread", 3)):
        offset, width = place(made, Journal, field)
        made = made.with_word(slot + offset, value, width)
    answer = rows(made)
    assert [row["severity"] for row in answer] == ["info", "info"]
    assert f"{word} of block 9 by thread 3 is in flight" in answer[1]["detail"]


def test_the_same_finding_many_times_is_told_a_few_times() -> None:
    made = image(200)
    offset, width = place(made, Function, "index")
    buffer = made.places["functions.buffer0"]
    made = made.with_word(buffer + HEADER + offset, 7, width)  # function 0 is gone
    at = buffer - BASE
    count, stride = (int.from_bytes(made.data[at + n : at + n + 4], "little") for n in (8, 16))
    records = made.data[at + HEADER : at + HEADER + count * stride]
    made = made.with_word(buffer + CHECKSUM, zlib.crc32(records), 4)
    dangling = [
        row for row in rows(made) if row["what"] == "dangling" and "block 3" in row["where"]
    ]
    assert len(dangling) == 4
    assert dangling[-1]["detail"] == "and 97 more of this kind"


def test_nothing_in_flight_is_no_finding() -> None:
    assert audit(image().session()).findings
    offset, width = place(image(), Journal, "operation")
    idle = image().with_word(image().places["journal"] + offset, 0, width)
    assert audit(idle.session()).findings == ()
    assert execute_text(idle) == "the code map is consistent, and nothing was in flight\n"


def execute_text(made: Image) -> str:
    command = find("jit-audit")
    assert command is not None
    return execute(made.session(), command, "")
