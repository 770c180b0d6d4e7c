"""PC → outcome: one test for each kind of place and of nowhere."""

from __future__ import annotations

import zlib

import pytest

from mtedbg.decode.code.code_map import function_name, locate
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.code import NO_FUNCTION, Block, Function, Outcome, Range
from tests.support.runtime_image import BASE, Image, image


def where(place: str, offset: int) -> tuple[Outcome, int | None, str | None]:
    """Outcome, block id and range kind at `offset` from a place of the image."""
    made = image()
    found = locate(made.runtime(), made.places[place] + offset)
    block = found.block.id if isinstance(found.block, Block) else None
    return found.outcome, block, found.range.kind if isinstance(found.range, Range) else None


@pytest.mark.parametrize(
    ("place", "offset", "expected"),
    [
        ("baseline", 0, (Outcome.RANGE, 2, "Function")),
        ("baseline", 0xFC, (Outcome.RANGE, 2, "Function")),
        ("baseline", 0x100, (Outcome.RANGE, 2, "Function")),
        ("baseline", 0x1BC, (Outcome.RANGE, 2, "Function")),
        ("baseline", 0x1C0, (Outcome.BLOCK_NO_RANGE, 2, None)),
        ("baseline", 0x1FC, (Outcome.BLOCK_NO_RANGE, 2, None)),
        ("baseline", 0x200, (Outcome.SEGMENT_PADDING, None, None)),
        ("stubs", 0, (Outcome.RANGE, 1, "EntryStub")),
        ("stubs", 0x40, (Outcome.BUILTIN_THUNK, 1, "BuiltinThunk")),
        ("stubs", 0x80, (Outcome.BLOCK_NO_RANGE, 1, None)),
        ("stubs", 0xC0, (Outcome.RANGE, 1, "FaultTrampoline")),
        ("stubs", 0x100, (Outcome.SEGMENT_PADDING, None, None)),
        ("stubs", -4, (Outcome.NOT_JIT, None, None)),
        ("gone", 0, (Outcome.RETIRED, 9, "Function")),
        ("gone", 0x40, (Outcome.RETIRED, 9, None)),
        ("many", 0, (Outcome.RANGE, 3, "Function")),
        ("many", 4, (Outcome.BLOCK_NO_RANGE, 3, None)),
        ("many", 0x7C, (Outcome.BLOCK_NO_RANGE, 3, None)),
        ("many", 0x800, (Outcome.NOT_JIT, None, None)),
    ],
)
def test_every_kind_of_place(
    place: str, offset: int, expected: tuple[Outcome, int | None, str | None]
) -> None:
    assert where(place, offset) == expected


@pytest.mark.parametrize("pc", [0, 8, (1 << 64) - 4])
def test_far_addresses_are_not_ours(pc: int) -> None:
    assert locate(image().runtime(), pc).outcome is Outcome.NOT_JIT


def outcome(made: Image, offset: int = 0x10) -> Outcome:
    return locate(made.runtime(), made.places["baseline"] + offset).outcome


def both_buffers_torn() -> Image:
    made = image()
    torn = made.with_word(made.places["code-map.buffer0"], 9)
    return torn.with_word(made.places["code-map.buffer1"], 9)


def test_a_damaged_code_map_is_corrupt() -> None:
    assert outcome(both_buffers_torn()) is Outcome.CORRUPT


def test_damaged_ranges_are_corrupt() -> None:
    made = image()
    found = locate(
        made.with_word(made.places["ranges"] + 4, 0, 4).runtime(), made.places["baseline"]
    )
    assert found.outcome is Outcome.CORRUPT
    assert "wrong checksum" in found.detail
    assert isinstance(found.block, Block)


def test_a_torn_code_map_is_one_generation_old() -> None:
    made = image()
    torn = made.with_word(made.places["code-map.buffer0"], 9)
    found = locate(torn.runtime(), made.places["baseline"])
    assert found.outcome is Outcome.RANGE
    assert found.notes == ("the newest code map is torn: this is one generation old",)


def test_metadata_that_was_not_dumped_is_told() -> None:
    runtime = image().runtime()
    read = runtime.target.read_memory

    def without_ranges(address: int, length: int) -> bytes | Absent:
        if image().places["ranges"] <= address < image().places["memops"]:
            return Absent(Reason.NOT_DUMPED)
        return read(address, length)

    runtime.target.read_memory = without_ranges  # type: ignore[method-assign]
    found = locate(runtime, image().places["baseline"])
    assert found.outcome is Outcome.METADATA_NOT_DUMPED
    assert "not dumped" in found.detail


def test_a_runtime_without_a_code_map_has_no_metadata() -> None:
    made = image()
    name = made.data.index(b"code-map\0") + BASE
    found = locate(made.with_bytes(name, b"cade-map").runtime(), made.places["baseline"])
    assert found.outcome is Outcome.METADATA_NOT_DUMPED
    assert "names no code-map" in found.detail


def test_an_unknown_meaning_is_an_error() -> None:
    runtime = image().with_schema("end = exclusive", "end = inclusive").runtime()
    with pytest.raises(LayoutError, match="contract end is inclusive, this reads exclusive"):
        locate(runtime, 0x1000)


def test_a_field_that_moved_is_found() -> None:
    # Begin and end change places: the same bytes now say that every range ends at its begin.
    made = image().with_schema("Range.begin : u32 @ 0", "Range.begin : u32 @ 4")
    made = made.with_schema("Range.end : u32 @ 4", "Range.end : u32 @ 0")
    assert outcome(made, 0x110) is Outcome.CORRUPT


@pytest.mark.parametrize("index", [0, 499_999, 999_999])
def test_a_million_ranges_cost_little(index: int) -> None:
    made = image(1_000_000)
    runtime = made.runtime()
    target = runtime.target
    target.reads.clear()  # type: ignore[attr-defined]
    found = locate(runtime, made.places["many"] + index * 8)
    assert isinstance(found.range, Range)
    assert found.range.begin == index * 8
    reads = target.reads  # type: ignore[attr-defined]
    assert sum(length for _, length in reads) < 1 << 16
    assert len(reads) < 40


def test_functions_have_names() -> None:
    runtime = image().runtime()
    assert [function_name(runtime, index) for index in (0, 1)] == ["main", "sum"]
    assert function_name(runtime, NO_FUNCTION) == NOT_APPLICABLE
    assert function_name(runtime, 7) == Absent(Reason.DAMAGED, "the table of functions has no 7")


def test_functions_that_are_not_in_order_are_found() -> None:
    made = image()
    records = made.places["functions.buffer0"] + 24
    size = made.runtime().layout.reader(Function).size
    swapped = made.with_word(records, 1, 4).with_word(records + size, 0, 4)
    buffer = swapped.data[records - BASE : records - BASE + 2 * size]
    swapped = swapped.with_word(records - 4, zlib.crc32(buffer), 4)
    runtime = swapped.runtime()
    assert [function_name(runtime, index) for index in (0, 1)] == ["sum", "main"]
