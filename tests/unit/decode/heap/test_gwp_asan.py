"""GWP-ASan's pool, by its state and metadata as its source lays them out."""

from __future__ import annotations

import struct

import pytest

from mtedbg.decode.heap.gwp_asan import DOUBLE_FREE, guarded_pool
from mtedbg.model.memory import Region
from mtedbg.model.memory_object import MemoryObject, ObjectState
from tests.support.fake import FakeTarget

BSS, METADATA, POOL, PAGE = 0x5000_0000, 0x6000_0000, 0xFFD2_0000_0000, 4096
SLOTS = [(0xFD0, 48, False), (0, 48, True), (0, 0, False)]
"""Of each: where in its page it begins, its size, whether it was freed; the last was never used."""


def process(*, extra: int = 0, error: int = 0, at: int = 0, locks: int = 12, version: int = 2):
    end = POOL + PAGE * (2 * len(SLOTS) + 1 + extra)
    state = b"ASAN" + struct.pack("<HH", version, 0)
    state += struct.pack("<QQQQB7xQ", len(SLOTS), POOL, end, PAGE, error, at)
    after = struct.pack(f"<{locks}QQQ", *[7] * locks, 3, METADATA).ljust(400, b"\0")
    metadata = b""
    for number, (start, size, freed) in enumerate(SLOTS):
        where = POOL + PAGE * (1 + 2 * number) + start if size else 0
        metadata += struct.pack("<QQ", where, size) + bytes(544) + bytes([freed]) + bytes(7)
    return FakeTarget(
        memory={BSS: bytes(72) + state + after, METADATA: metadata},
        mappings=[
            Region(BSS - PAGE, BSS, "rw-", "/bin/fake", tagged=False, dumped=False),
            Region(BSS, BSS + 72 + len(state + after), "rw-", "", tagged=False),
            Region(METADATA, METADATA + len(metadata), "rw-", "", tagged=False),
            Region(POOL, end, "---", "", tagged=False, dumped=False),
        ],
    )


@pytest.mark.parametrize("extra", [0, 1])
@pytest.mark.parametrize("locks", [8, 12, 20])
@pytest.mark.parametrize(
    ("address", "slot"),
    [
        (PAGE + 0xFD0, 0),
        (2 * PAGE, 0),
        (2 * PAGE + 100, 0),
        (PAGE - 1, 0),
        (3 * PAGE, 1),
        (3 * PAGE - 8, 1),
        (4 * PAGE + 1, 1),
    ],
)
def test_what_was_given_out_at_an_address(address, slot, locks, extra):
    pool = guarded_pool(process(extra=extra, locks=locks))
    assert pool is not None
    assert pool.holds(POOL + address)
    start, size, freed = SLOTS[slot]
    state = ObjectState.FREED if freed else ObjectState.LIVE
    begin = POOL + PAGE * (1 + 2 * slot) + start
    assert pool.object_near(POOL + address) == MemoryObject("GWP-ASan", begin, size, state)


def test_a_slot_that_was_never_used():
    pool = guarded_pool(process())
    assert pool is not None
    assert pool.object_near(POOL + 5 * PAGE) is None
    assert not pool.holds(POOL + 7 * PAGE)


def test_an_error_that_it_found_itself():
    pool = guarded_pool(process(error=DOUBLE_FREE, at=POOL + 3 * PAGE))
    assert pool is not None
    assert (pool.error, pool.error_address) == (DOUBLE_FREE, POOL + 3 * PAGE)


@pytest.mark.parametrize("target", [process(version=3), process(extra=2), FakeTarget()])
def test_what_is_no_pool(target):
    assert guarded_pool(target) is None


def test_metadata_that_does_not_agree_is_no_pool():
    target = process()
    target.memory[METADATA] = bytes(len(target.memory[METADATA]))
    assert guarded_pool(target) is None
