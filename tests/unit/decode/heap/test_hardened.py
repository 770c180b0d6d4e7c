"""Slots of hardened_malloc, by records that are laid out as its source has them."""

from __future__ import annotations

from itertools import product

import pytest

from mtedbg.decode.heap.hardened import SIZES, hardened_heap
from mtedbg.decode.heap.heaps import HeapAround, Heaps
from mtedbg.model.memory_object import ObjectState
from tests.support.heaps import HARDENED_PAGE, hardened_target

SLOTS = [("live", 3), ("freed", 7), ("quarantined", 2), ("never", 0), ("live", 9)]
STATES = {
    "live": ObjectState.LIVE,
    "freed": ObjectState.FREED,
    "quarantined": ObjectState.QUARANTINED,
    "never": ObjectState.SPARE,
}


@pytest.mark.parametrize(("canary", "quarantine"), [*product((True, False), repeat=2)])
@pytest.mark.parametrize(("arenas", "arena"), [(1, 0), (4, 3), (4, 0), (16, 7)])
@pytest.mark.parametrize("number", [1, 3, 4, 48])
def test_slots_and_their_states(number, arenas, arena, canary, quarantine):
    size = SIZES[number]
    slots = SLOTS[: 5 if number < 40 else 1]
    slots = slots if quarantine else [one for one in slots if one[0] != "quarantined"]
    target, begin = hardened_target(
        number, size, slots, canary=canary, quarantine=quarantine, arenas=arenas, arena=arena
    )
    assert isinstance(target.mappings, list)
    found = Heaps(target).around(target.mappings[0], begin + 1)
    assert isinstance(found, HeapAround)
    assert found.allocator == "hardened_malloc"
    shown = found.objects[: len(slots)]
    assert [one.start for one in shown] == [begin + n * size for n in range(len(slots))]
    assert [(one.size, one.state, one.last_tag) for one in shown] == [
        (size, STATES[state], tag) for state, tag in slots
    ]


def test_sizes_are_those_of_the_source():
    assert SIZES[:13] == (16, 16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256)
    assert SIZES[36] == 16384
    assert SIZES[48] == 131072
    assert len(SIZES) == 49


@pytest.mark.parametrize("at", range(0, 72, 8))
def test_a_page_that_is_damaged_is_not_its_state(at):
    target, _ = hardened_target(3, 48, SLOTS)
    page = bytearray(target.memory[HARDENED_PAGE])
    page[at : at + 8] = b"\xff" * 8
    target.memory[HARDENED_PAGE] = bytes(page)
    assert hardened_heap(target) is None


def test_records_that_are_not_there_leave_no_slots():
    target, begin = hardened_target(3, 48, SLOTS)
    target.memory = {start: data for start, data in target.memory.items() if len(data) != 232}
    heap = hardened_heap(target)
    assert heap is not None
    assert heap.objects(begin, begin + 64) == []
