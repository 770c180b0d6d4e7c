"""Arrays of records: searched whole and by halves, in order and out of it; names at the edge."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mtedbg.dataclass import dataclass
from mtedbg.layout.memory import RecordArray, read_name, read_text
from mtedbg.layout.records import Layout
from mtedbg.layout.schema import parse_schema
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from tests.support.fake import FakeTarget

PLACE = 0x10000
STRIDE = 512
"""Eight records fill a window: small arrays are searched by halves too."""


@dataclass(frozen=True, slots=True)
class Key:
    RECORD: ClassVar[str] = "Key"

    key: int


READ_AT_ONCE = 8  # of 512 bytes: so few are never searched, but read

READER = Layout(parse_schema(b"mtedbg-schema 1\ntype Key 512\nKey.key : u64 @ 8\n")).reader(Key)


def array(keys: list[int], *, whole: bool) -> RecordArray[Key]:
    data = b"".join(bytes(8) + key.to_bytes(8, "little") + bytes(STRIDE - 16) for key in keys)
    target = FakeTarget(memory={PLACE: data})
    return RecordArray(target, READER, PLACE, len(keys), STRIDE, data if whole else None)


@given(st.lists(st.integers(0, 99), max_size=60), st.integers(-1, 100), st.booleans())
def test_the_last_that_is_not_above(keys: list[int], value: int, whole: bool) -> None:
    keys.sort()
    expected = sum(key <= value for key in keys) - 1
    assert array(keys, whole=whole).last_not_above("key", value) == expected


@given(st.lists(st.integers(0, 99), max_size=60), st.integers(-1, 100), st.booleans())
def test_the_records_around_a_value(keys: list[int], value: int, whole: bool) -> None:
    keys.sort()
    made = array(keys, whole=whole)
    before = [key for key in keys if key <= value]
    after = [key for key in keys if key > value]
    assert made.last_at_most("key", value) == (Key(before[-1]) if before else NOT_APPLICABLE)
    assert made.first_above("key", value) == (Key(after[0]) if after else NOT_APPLICABLE)


@given(st.lists(st.integers(0, 99), min_size=2, max_size=60), st.integers(0, 99), st.booleans())
@example([0, 0, 0, 0, 1, 0, 0, 0, 0], 0, True)
def test_disorder_is_seen_or_does_no_harm(keys: list[int], value: int, whole: bool) -> None:
    found = array(keys, whole=whole).last_not_above("key", value)
    if isinstance(found, Absent):
        assert found == Absent(Reason.DAMAGED, "records of Key are not in the order of key")
        assert keys != sorted(keys)
    else:
        # Not all records are looked at; those that are there at the end fit.
        assert -1 <= found < len(keys)
        assert found < 0 or keys[found] <= value
        assert found + 1 == len(keys) or keys[found + 1] > value
        assert len(keys) > READ_AT_ONCE or keys == sorted(keys)


@pytest.mark.parametrize("keys", [[3, 1, 2], [*range(100, 0, -1)]])
@pytest.mark.parametrize("whole", [True, False])
def test_disorder_is_seen(keys: list[int], whole: bool) -> None:
    assert isinstance(array(keys, whole=whole).last_not_above("key", 2), Absent)


def test_what_cannot_be_read_is_told() -> None:
    lost = RecordArray(FakeTarget(), READER, PLACE, 1000, STRIDE)
    hole = Absent(Reason.UNMAPPED)
    assert lost.last_at_most("key", 5) == lost.first_above("key", 5) == hole
    assert lost.last_not_above("key", 5) == lost.get(0) == lost.all() == hole


@pytest.mark.parametrize(
    ("address", "count", "stride", "problem"),
    [
        (PLACE, 1, 511, "a Key takes 512 bytes, not 511"),
        (1 << 56, 1, STRIDE, "do not fit"),
        (PLACE, 1 << 50, STRIDE, "do not fit"),
        (PLACE, 1, STRIDE, ""),
    ],
)
def test_impossible_arrays(address: int, count: int, stride: int, problem: str) -> None:
    found = RecordArray(FakeTarget(), READER, address, count, stride).problem()
    assert problem in found
    assert bool(problem) == bool(found)


def test_an_array_too_large_to_be_listed_is_not_read() -> None:
    target = FakeTarget()
    found = RecordArray(target, READER, PLACE, 1 << 20, STRIDE).all()
    assert isinstance(found, Absent)
    assert found.reason is Reason.UNKNOWN
    assert target.reads == []


def test_names_end_or_are_damaged() -> None:
    edge = 0x3000
    memory = {edge - 8: b"at-edge\0", 0x8000: b"x" * 100, 0x9000: b"a\xff\0".ljust(80)}
    target = FakeTarget(memory=memory)
    assert read_name(target, edge - 8) == "at-edge"
    assert read_name(target, 0x9000) == "a\ufffd"
    assert read_name(target, 0x8000) == Absent(
        Reason.DAMAGED, "the name at 0x8000 is not terminated"
    )
    assert read_name(target, 0x10) == Absent(Reason.UNMAPPED)


def test_texts_are_cut() -> None:
    target = FakeTarget(memory={0x8000: b"x" * 1000})
    assert read_text(target, 0x8000, 0) == ""
    assert read_text(target, 0x8000, 1 << 40) == "x" * 256
