"""Tables in slots: whole, torn in every byte, one generation old, on tagged memory, changing."""

from __future__ import annotations

from random import Random

import pytest

from mtedbg.decode.code.code_map import locate
from mtedbg.layout import Runtime, find_runtimes
from mtedbg.layout.slots import SlotArray
from mtedbg.layout.table import Snapshot
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.code import Block, Function, Outcome
from mtedbg.model.process import TargetKind
from tests.support.fake import FakeTarget
from tests.support.runtime_image import BASE, Image, image

HEADER = {"published": 0, "count": 8, "chunks": 16, "chunk_slots": 24, "stride": 28}
READ, CAPACITY, TABLE_SIZE = 32, 48, 56
"""Of the table's own record: bytes that say what is there, where its capacity is, and its size."""
STRIDE, SLOT, CHUNK_SLOTS = 128, 16, 4
SLOT_SIZE, CHUNK_SIZE = SLOT + 2 * STRIDE, SLOT + 2 * 24


def made() -> Image:
    return image(form="slots")


def whole(runtime: Runtime) -> Snapshot[Block] | Absent:
    return runtime.table("code-map", Block, whole=True)


def ids(snapshot: Snapshot[Block] | Absent) -> list[int]:
    assert isinstance(snapshot, Snapshot), snapshot
    records = snapshot.records.all()
    assert not isinstance(records, Absent)
    return [block.id for block in records]


def test_records_are_listed_by_address_without_those_taken_away() -> None:
    found = whole(made().runtime())
    assert ids(found) == [1, 2, 3]
    assert isinstance(found, Snapshot)
    assert (found.generation, found.stale, found.damage) == (8, False, "")


def test_what_reports_say_is_what_they_say_of_tables() -> None:
    ours, other = made().runtime(), image().runtime()
    for name in ("stubs", "baseline", "many", "gone"):
        at = made().places[name]
        mine, theirs = locate(ours, at), locate(other, image().places[name])
        assert (mine.outcome, mine.notes) == (theirs.outcome, theirs.notes)
        assert isinstance(mine.block, Block)
        assert isinstance(theirs.block, Block)
        assert mine.block.id == theirs.block.id
    functions = ours.rows("functions", Function)
    assert not isinstance(functions, Absent)
    assert [one.index for one in functions] == [0, 1]


def slot(made: Image, number: int) -> int:
    """Where slot `number` of the code map's first chunk is."""
    return made.places["code-map.first"] + number * SLOT_SIZE


def test_a_torn_record_is_one_generation_old() -> None:
    changed = made().with_word(slot(made(), 1) + SLOT + 5, 0xFF, 1)
    found = whole(changed.runtime())
    assert isinstance(found, Snapshot)
    assert (found.stale, found.damage) == (True, "")
    assert len(ids(found)) == 3


def test_a_lost_record_is_told_and_costs_no_other() -> None:
    at = slot(made(), 1)
    changed = made().with_word(at, 77)
    runtime = changed.runtime()
    found = whole(runtime)
    assert isinstance(found, Snapshot)
    assert found.damage == "1 of 4 records of Block"
    assert ids(found) == [2, 3]
    assert runtime.rows("code-map", Block) == Absent(Reason.DAMAGED, found.damage)
    places = made().places
    assert locate(runtime, places["baseline"]).outcome is Outcome.RANGE
    # It may be the one that is lost.
    assert locate(runtime, places["stubs"]).outcome is Outcome.CORRUPT
    assert locate(runtime, 0x1000).outcome is Outcome.CORRUPT


def answer(changed: Image) -> tuple[list[int], tuple[Outcome, ...]] | None:
    """What the code map tells; None where it says that something is lost or old."""
    found = find_runtimes(changed.target())
    assert isinstance(found, tuple)
    snapshot = whole(found[0])
    names = ("stubs", "baseline", "many", "gone")
    outcomes = tuple(locate(found[0], made().places[name]).outcome for name in names)
    if isinstance(snapshot, Absent):
        assert snapshot.detail
        assert Outcome.NOT_JIT not in outcomes
        return None
    if snapshot.stale or snapshot.damage:
        return None
    return ids(snapshot), outcomes


def test_no_changed_byte_hides_a_record() -> None:
    """Whatever byte of it changes, the answer is the same, or says that it is not whole."""
    places, random = made().places, Random(14)
    spans = [
        (places["code-map"], READ),
        (places["code-map.chunks"], 2 * CHUNK_SIZE),
        (places["code-map.first"], CHUNK_SLOTS * SLOT_SIZE),
    ]
    right = answer(made())
    assert right is not None
    refused = 0
    for start, length in spans:
        for _ in range(200):
            at = start + random.randrange(length)
            byte = made().data[at - BASE] ^ (1 << random.randrange(8))
            found = answer(made().with_word(at, byte, 1))
            assert found in (right, None), hex(at)
            refused += found is None
    assert refused > 100


def test_a_record_that_is_not_counted_yet_is_there() -> None:
    changed = made().with_word(made().places["code-map"] + HEADER["count"], 3)
    assert answer(changed) == answer(made())


@pytest.mark.parametrize(
    ("field", "value", "width", "problem"),
    [
        ("stride", 64, 4, "takes"),
        ("stride", 129, 4, "whole words"),
        ("stride", 0xFFFFFFF8, 4, "slots a chunk"),
        ("chunk_slots", 0, 4, "0 slots a chunk"),
        ("chunk_slots", 1 << 30, 4, "slots a chunk"),
        ("count", 1 << 60, 8, "16 chunks fit"),
        ("count", 9, 8, "by 8 changes"),
        ("count", 2, 8, "1 of 2 records"),
        ("chunks", 0x10, 8, "chunks at 0x10"),
        ("chunks", 0, 8, "there are no chunks"),
    ],
)
def test_an_impossible_table_is_damage(field: str, value: int, width: int, problem: str) -> None:
    changed = made().with_word(made().places["code-map"] + HEADER[field], value, width)
    found = whole(changed.runtime())
    assert problem in (found.detail if isinstance(found, Absent) else found.damage)


@pytest.mark.parametrize("name", ["code-map", "functions"])
def test_what_was_never_opened_is_damage(name: str) -> None:
    """Zeros: the address is wrong, or the memory was lost. An empty table has its stride."""
    changed = made().with_bytes(made().places[name], bytes(TABLE_SIZE))
    found = changed.runtime().table(name, Block if name == "code-map" else Function, whole=True)
    assert isinstance(found, Absent)
    assert found.reason is Reason.DAMAGED
    assert "bytes, not 0" in found.detail


def test_as_many_records_as_fit_no_memory_are_not_read() -> None:
    at = made().places["code-map"]
    changed = made().with_word(at, 1 << 32).with_word(at + HEADER["count"], 1 << 32)
    changed = changed.with_word(at + CAPACITY, 1 << 31, 4)
    found = whole(changed.runtime())
    assert isinstance(found, Absent)
    assert found.reason is Reason.UNKNOWN


def test_pointers_may_be_tagged() -> None:
    tag = 7 << 56
    places = made().places
    changed = made().with_word(
        places["code-map"] + HEADER["chunks"], tag | places["code-map.chunks"]
    )
    target = changed.target()
    found = find_runtimes(target)
    assert isinstance(found, tuple)
    assert ids(whole(found[0])) == [1, 2, 3]
    assert all(not address >> 56 for address, _ in target.reads)


class Moving(FakeTarget):
    """Counts a change of the table whenever its record is read, up to a number of times."""

    changes = 0
    table = 0

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        data = super().read_memory(address, length)
        if address == self.table and self.changes and not isinstance(data, Absent):
            self.changes -= 1
            return (8 + self.changes).to_bytes(8, "little") + data[8:]
        return data


@pytest.mark.parametrize("changes", [3, 99])
def test_a_table_that_changes_is_read_again(changes: int) -> None:
    still = made().target()
    target = Moving(still.memory, symbols=still.symbols, kind=TargetKind.LIVE)
    found = find_runtimes(target)
    assert isinstance(found, tuple)
    target.table, target.changes = made().places["code-map"], changes
    target.reads.clear()
    snapshot = whole(found[0])
    assert len(target.reads) < 40
    if changes == 3:
        assert ids(snapshot) == [1, 2, 3]
    else:
        assert snapshot == Absent(Reason.UNSTABLE)


def test_what_did_not_change_is_not_read_again() -> None:
    target = made().target(kind=TargetKind.LIVE)
    found = find_runtimes(target)
    assert isinstance(found, tuple)
    array = found[0].table("code-map", Block)
    assert isinstance(array, Snapshot)
    assert isinstance(array.records, SlotArray)
    locate(found[0], made().places["many"])
    target.reads.clear()
    assert locate(found[0], made().places["many"]).outcome is Outcome.RANGE
    chunk = made().places["code-map.first"]
    assert not any(chunk <= at < chunk + CHUNK_SLOTS * SLOT_SIZE for at, _ in target.reads)
