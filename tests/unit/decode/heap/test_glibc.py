"""Chunks of glibc's heap, found by their headers and by their tags."""

from __future__ import annotations

import struct

import pytest

from mtedbg.decode.heap.glibc import MOST_STEPS, objects
from mtedbg.decode.heap.heaps import HeapAround, Heaps
from mtedbg.decode.heap.memory import HeapMemory
from mtedbg.model.absent import Absent
from mtedbg.model.memory import Region
from mtedbg.model.memory_object import MemoryObject, ObjectState
from tests.support.fake import FakeTarget
from tests.support.heaps import SIZE, START, Layout, glibc_heap

LIVE, FREED, SPARE = ObjectState.LIVE, ObjectState.FREED, ObjectState.SPARE
CHUNKS = [(48, 3), (48, 5), (48, 0), (112, 9)]
"""User data at 0x10, 0x50, 0x90 and 0xd0."""


def around(target: FakeTarget, address: int) -> HeapAround | Absent:
    assert isinstance(target.mappings, list)
    return Heaps(target).around(target.mappings[0], address)


def found_at(target: FakeTarget, address: int) -> MemoryObject | None:
    found = around(target, address)
    assert isinstance(found, HeapAround)
    return found.here


@pytest.mark.parametrize(
    ("offset", "start", "size", "state"),
    [
        (0x10, 0x10, 48, LIVE),
        (0x3F, 0x10, 48, LIVE),
        (0x7F, 0x50, 48, LIVE),
        (0x90, 0x90, 48, FREED),
        (0xD8, 0xD0, 112, LIVE),
        (0x150, 0x150, SIZE - 0x150, SPARE),
        (SIZE - 1, 0x150, SIZE - 0x150, SPARE),
    ],
)
def test_the_chunk_that_holds_an_address(offset, start, size, state):
    assert found_at(glibc_heap(CHUNKS).target(), START + offset) == MemoryObject(
        "glibc", START + start, size, state, exact=False
    )


def test_a_header_is_in_no_chunk_and_has_neighbours():
    found = around(glibc_heap(CHUNKS).target(), START + 0x48)
    assert isinstance(found, HeapAround)
    assert found.here is None
    assert (found.before, found.after) == (found.objects[0], found.objects[1])


def test_what_has_another_tag_than_0_is_no_header():
    # The bytes of a header, in user data: a walk that follows sizes alone would believe them.
    layout = glibc_heap(CHUNKS)
    layout.memory[0x60:0x70] = struct.pack("<QQ", 0, 0x31)
    found = found_at(layout.target(), START + 0x72)
    assert found is not None
    assert found.start == START + 0x50


@pytest.mark.parametrize(
    "memory",
    [
        glibc_heap(CHUNKS, damage=0x18),
        glibc_heap(CHUNKS, damage=0x4),  # a thread's arena's, and no arena is here
        Layout(),
    ],
)
def test_what_is_not_glibcs_is_refused(memory):
    assert isinstance(around(memory.target(), START + 0x90), Absent)


def test_a_heap_of_the_programs_own_is_refused():
    # Headers of 16 bytes with tag 0 that have a size as well, of the user's part.
    layout = Layout()
    for tag in (3, 5, 9, 2):
        layout.add(struct.pack("<QQ", 0x1111, 48), 0)
        layout.add(bytes(48), tag)
    assert isinstance(around(layout.target(), START + 0x52), Absent)


def test_pieces_of_the_main_arena_that_the_kernel_joined():
    first = glibc_heap(CHUNKS, size=0x1000)
    at = 0x1000 - 0x20  # two chunks of 16 bytes, after what was the top
    first.memory[0x148:0x150] = struct.pack("<Q", at - 0x140 | 1)
    first.memory[at:0x1000] = struct.pack("<QQQQ", 0, 0x11, 0, 0x11)
    second = glibc_heap([(64, 4), (64, 0), (32, 7)], start=START + 0x1000, size=SIZE - 0x1000)
    first.add(bytes(second.memory), 0)
    first.tags[0x100:] = second.tags
    target = first.target()
    assert found_at(target, START + 0x1060) == MemoryObject(
        "glibc", START + 0x1060, 64, FREED, exact=False
    )
    assert found_at(target, START + 0x1012) == MemoryObject(
        "glibc", START + 0x1010, 64, LIVE, exact=False
    )


def test_what_a_threads_cache_keeps_is_found_by_its_tag():
    # No bin: the chunk after it says that it is in use.
    layout = glibc_heap(CHUNKS)
    layout.memory[0xC8:0xD0] = struct.pack("<Q", 0x81)
    found = found_at(layout.target(), START + 0x98)
    assert found is not None
    assert found.state is FREED


def test_many_free_chunks_are_walked_over_and_a_circle_is_not_entered():
    count = 200_000
    layout = glibc_heap([(16, 3), *[(16, 0)] * count], size=32 * (count + 64))
    layout.memory[0x28:0x30] = struct.pack("<Q", 0x21)
    target = layout.target(size=32 * (count + 64))
    assert isinstance(target.mappings, list)
    found = found_at(target, START + 32 * (count - 1) + 16)
    assert found is not None
    assert (found.size, found.state) == (16, FREED)
    assert count < MOST_STEPS
    assert len(target.reads) < 100


@pytest.mark.parametrize("word", [0, 1, 0x11, 0x8, 2**64 - 1, 0x7FFF_FFFF_FFF1, SIZE, 0x21 | 2])
def test_a_damaged_header_ends_a_walk(word):
    layout = glibc_heap([(48, 3), *[(48, 0)] * 8])
    layout.memory[0x88:0x90] = struct.pack("<Q", word)
    target = layout.target()
    region = Region(START, START + SIZE, "rw-", "", tagged=True)
    memory = HeapMemory(target, region.start, region.end)
    found = objects(memory, START + 0x110, START + 0x120)
    assert isinstance(found, Absent) or all(
        one.start >= START + 0x90 or one.size <= SIZE for one in found
    )
