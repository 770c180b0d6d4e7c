"""Memops: which one a PC is in, and their state from record, words and journal."""

from __future__ import annotations

import pytest

from mtedbg.decode.memops.history import with_history
from mtedbg.decode.memops.memop import memop_at, memop_with_id, state_of
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memop import Memop, MemopState, Mode
from mtedbg.model.runtime import Journal
from tests.support.runtime_image import Image, image


def number_at(offset: int, made: Image | None = None) -> int | Absent:
    made = made or image()
    found = memop_at(made.runtime(), made.places["baseline"] + offset)
    return found if isinstance(found, Absent) else found.id


@pytest.mark.parametrize(
    ("offset", "number"),
    [
        (0x0C, None), (0x10, 1), (0x14, 1), (0x18, None), (0x1C, None), (0x20, 2), (0x24, 2),
        (0x40, 4), (0x50, None), (0x54, 5), (0x58, None), (0x60, 6), (0x64, 6), (0x68, 6),
        (0x6C, None), (0x1F0, None),
    ],
)  # fmt: skip
def test_a_memop_reaches_from_its_insert_to_its_access(offset: int, number: int | None) -> None:
    assert number_at(offset) == (NOT_APPLICABLE if number is None else number)


def state(number: int, made: Image | None = None) -> MemopState:
    runtime = (made or image()).runtime()
    memop = memop_with_id(runtime, number)
    assert isinstance(memop, Memop)
    return with_history(runtime, state_of(runtime, memop))


@pytest.mark.parametrize(
    ("number", "decoded", "consistent"),
    [
        (1, Mode.LOCAL, True),
        (2, Mode.SHARED, True),
        (3, Mode.MIXED, False),
        (4, Mode.LOCAL, True),
        (5, Mode.SHARED, True),
        (6, Mode.SHARED, False),
    ],
)
@pytest.mark.parametrize("shared_tag", [0, 15])
def test_modes(number: int, decoded: Mode, consistent: bool, shared_tag: int) -> None:
    found = state(number, image(shared_tag=shared_tag))
    assert (found.decoded, found.consistent) == (decoded, consistent)


def test_a_patch_in_flight_says_how_far_it_came() -> None:
    found = state(3)
    assert isinstance(found.in_flight, Journal)
    assert found.in_flight.thread == 2
    assert found.step == (
        "phase PatchAddress, Local → Shared: [1] not yet, [2] written, record not yet"
    )
    assert isinstance(state(1).in_flight, Absent)


@pytest.mark.parametrize(("shared_tag", "insert"), [(0, 0xB3480FF0), (15, 0xB2480E10)])
def test_the_words_before_a_patch_are_told(shared_tag: int, insert: int) -> None:
    found = state(2, image(shared_tag=shared_tag))
    assert [word.word for word in found.words] == [insert, 0x089FFE02]
    assert [word.before for word in found.words] == [0xB3480F70, 0x39000202]
    assert all(word.before == NOT_APPLICABLE for word in state(1).words)


def test_a_patch_in_flight_shows_what_it_has_replaced() -> None:
    assert [word.before for word in state(3).words] == [NOT_APPLICABLE, 0xF9400201]


def test_words_that_are_no_memop_contradict_the_record() -> None:
    made = image()
    found = state(1, made.with_word(made.places["baseline"] + 0x10, 0xD503201F, 4))
    assert isinstance(found.decoded, Absent)
    assert "0xd503201f is not a tag insert into x16" in found.decoded.detail
    assert found.consistent is False


def test_words_that_cannot_be_read_contradict_nothing() -> None:
    made = image()
    memops = made.places["memops"]
    moved = made.with_word(memops + 8, 0x2000).with_word(memops + 16, 0x1000)
    runtime = moved.runtime()
    memop = memop_with_id(runtime, 1)
    assert isinstance(memop, Memop)
    found = state_of(runtime, memop)
    assert found.decoded == found.consistent == Absent(Reason.UNMAPPED)


def test_a_memop_outside_of_its_block_is_damage() -> None:
    made = image()
    # Its access is where it was, its tag insert is in another block.
    moved = made.with_word(made.places["memops"] + 16, made.places["stubs"])
    found = number_at(0x14, moved)
    assert isinstance(found, Absent)
    assert found.reason is Reason.DAMAGED


def test_no_memop_has_an_unknown_id() -> None:
    assert memop_with_id(image().runtime(), 99) == NOT_APPLICABLE
