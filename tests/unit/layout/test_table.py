"""Double-buffered tables: whole, torn in every field, one generation old, changing."""

from __future__ import annotations

import pytest

from mtedbg.layout import find_runtimes
from mtedbg.layout.table import Snapshot
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.code import Block
from mtedbg.model.process import TargetKind
from tests.support.fake import FakeTarget
from tests.support.runtime_image import BASE, Image, image

HEADER = 24
STRIDE = 112


def read(made: Image, *, whole: bool = False) -> Snapshot[Block] | Absent:
    return made.runtime().table("code-map", Block, whole=whole)


def ids(snapshot: Snapshot[Block] | Absent) -> list[int]:
    assert isinstance(snapshot, Snapshot), snapshot
    records = snapshot.records.all()
    assert not isinstance(records, Absent)
    return [block.id for block in records]


def newest(made: Image) -> int:
    return made.places["code-map.buffer0"]


def test_the_newest_generation_is_read() -> None:
    snapshot = read(image())
    assert ids(snapshot) == [1, 2, 3]
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.generation, snapshot.stale) == (2, False)


def torn(made: Image, what: str) -> Image:
    at = newest(made)
    offset, value, width = {
        "gen_begin": (0, 3, 8),
        "count": (8, 2, 4),
        "too many": (8, 4, 4),
        "capacity": (12, 1, 4),
        "stride": (16, 64, 4),
        "no stride": (16, 0, 4),
        "huge stride": (16, 0xFFFFFFFF, 4),
        "checksum": (20, 0, 4),
        "a record": (HEADER + 5, 0xFF, 1),
        "gen_end": (HEADER + 3 * STRIDE, 1, 8),
    }[what]
    return made.with_word(at + offset, value, width)


TORN = [
    *("gen_begin", "count", "too many", "capacity", "stride", "no stride", "huge stride"),
    *("checksum", "a record", "gen_end"),
]


@pytest.mark.parametrize("what", TORN)
def test_a_torn_table_is_one_generation_old(what: str) -> None:
    snapshot = read(torn(image(), what))
    assert ids(snapshot) == [1, 2]
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.generation, snapshot.stale) == (1, True)


@pytest.mark.parametrize("what", TORN)
def test_two_torn_buffers_are_damage(what: str) -> None:
    made = torn(image(), what)
    made = made.with_word(made.places["code-map.buffer1"], 77)
    found = read(made)
    assert isinstance(found, Absent)
    assert found.reason in (Reason.DAMAGED, Reason.UNMAPPED)
    assert "buffer" in found.detail or "records" in found.detail


@pytest.mark.parametrize(("pointer", "generation"), [(8, 1), (16, 2)])
def test_a_buffer_that_is_nowhere_leaves_the_other(pointer: int, generation: int) -> None:
    made = image()
    snapshot = read(made.with_word(made.places["code-map"] + pointer, 0x10))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.generation == generation


def test_a_table_that_leads_nowhere_says_why() -> None:
    made = image()
    found = read(made.with_bytes(made.places["code-map"] + 8, bytes(16)))
    assert found == Absent(Reason.UNMAPPED, "a table's buffer at 0x0")


def test_nothing_published_is_an_empty_table() -> None:
    made = image()
    assert ids(read(made.with_word(made.places["code-map"], 0))) == []


def test_a_generation_that_is_in_neither_buffer_is_damage() -> None:
    made = image()
    found = read(made.with_word(made.places["code-map"], 1000))
    assert isinstance(found, Absent)
    assert found.reason is Reason.DAMAGED


def test_another_record_under_the_name_is_damage() -> None:
    made = image()
    at = made.data.index(b"Block\0") + BASE
    found = read(made.with_bytes(at, b"Blick\0"))
    assert found == Absent(Reason.DAMAGED, "code-map is a Table of Blick")


class Moving(FakeTarget):
    """Publishes a new generation whenever the table is looked at, up to a number of times."""

    changes = 0
    table = 0

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        data = super().read_memory(address, length)
        if (
            address == self.table
            and length == HEADER
            and self.changes
            and not isinstance(data, Absent)
        ):
            self.changes -= 1
            published = int.from_bytes(data[:8], "little") + 2 * self.changes
            return published.to_bytes(8, "little") + data[8:]
        return data


@pytest.mark.parametrize(
    ("changes", "kind"), [(3, TargetKind.LIVE), (99, TargetKind.LIVE), (99, TargetKind.CORE)]
)
def test_a_table_that_changes_is_read_again(changes: int, kind: TargetKind) -> None:
    made = image()
    still = made.target()
    target = Moving(still.memory, symbols=still.symbols, kind=kind)
    found = find_runtimes(target)
    assert isinstance(found, tuple)
    target.table, target.changes = made.places["code-map"], changes
    target.reads.clear()
    snapshot = found[0].table("code-map", Block)
    assert len(target.reads) < 40
    if changes == 3:
        assert ids(snapshot) == [1, 2, 3]
    elif kind is TargetKind.LIVE:
        assert snapshot == Absent(Reason.UNSTABLE)
    else:
        assert isinstance(snapshot, Absent)
        assert snapshot.reason is Reason.DAMAGED
