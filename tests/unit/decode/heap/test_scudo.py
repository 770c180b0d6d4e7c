"""Chunks of Scudo's heap, known by checksums that agree."""

from __future__ import annotations

import struct

import pytest

from mtedbg.decode.heap import scudo
from mtedbg.decode.heap.heaps import HeapAround, Heaps
from mtedbg.model.absent import Absent
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.model.pointer import with_tag
from tests.support.fake import FakeTarget
from tests.support.heaps import START, Layout, scudo_header, scudo_heap

BLOCKS = [(48, 3, 1), (40, 5, 0), (17, 9, 2), (64, 2, 1), (1, 12, 1)]
STATES = {0: ObjectState.FREED, 1: ObjectState.LIVE, 2: ObjectState.QUARANTINED}


def around(target: FakeTarget, address: int) -> HeapAround | Absent:
    assert isinstance(target.mappings, list)
    return Heaps(target).around(target.mappings[0], address)


@pytest.mark.parametrize("crc", [True, False])
@pytest.mark.parametrize("cookie", [0, 1, 0xFFFF_FFFF, 0x8000_0000, 0xDEAD_BEEF])
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_object_that_holds_an_address(number, cookie, crc):
    target = scudo_heap(BLOCKS, cookie=cookie, crc=crc).target()
    size, _, state = BLOCKS[number]
    found = around(target, START + 80 * number + 16)
    assert isinstance(found, HeapAround)
    assert found.allocator == "Scudo"
    assert found.here == MemoryObject("Scudo", START + 80 * number + 16, size, STATES[state])


def test_between_two_objects_is_none():
    found = around(scudo_heap(BLOCKS).target(), START + 80 + 16 + 41)
    assert isinstance(found, HeapAround)
    assert found.here is None
    assert found.before is not None
    assert found.after is not None
    assert (found.before.size, found.after.size) == (40, 17)


def test_an_aligned_object_is_further_into_its_block():
    layout = scudo_heap(BLOCKS)
    layout.add(bytes(48), 0)
    layout.add(
        scudo_header(0x1234_5678, layout.end + 16, class_id=9, state=1, size=100, offset=48),
        0,
    )
    user = layout.end
    layout.add(bytes(100), 6)
    found = around(layout.target(), user + 99)
    assert isinstance(found, HeapAround)
    assert found.here == MemoryObject("Scudo", user, 100, ObjectState.LIVE)


@pytest.mark.parametrize(
    "fields", [(0x5000, 0x4000, 48), (0x5000, 0x4000, 64), (0x5000, 0x4000, 80)]
)
def test_a_large_object_has_its_end_before_it(fields):
    base, length, header = fields
    layout = scudo_heap(BLOCKS * 3)
    layout.add(bytes(-len(layout.memory) % 4096), 0)
    base = layout.end
    layout.add(bytes(0x80 - header), 1)
    layout.add(struct.pack("<QQQQ", 0, 0, base, length) + bytes(header - 32), 1)
    user = layout.end + 16
    layout.add(scudo_header(0x1234_5678, with_tag(user, 2), class_id=0, state=1, size=100), 2)
    layout.add(bytes(base + length - layout.end), 0)
    found = around(layout.target(size=0x8000), user + 8)
    assert isinstance(found, HeapAround)
    assert found.here == MemoryObject("Scudo", user, base + length - user - 100, ObjectState.LIVE)


def test_headers_that_do_not_agree_are_not_scudos():
    layout = Layout()
    for number in range(40):  # as many cookies as headers
        user = layout.end + 16
        layout.add(scudo_header(number * 7919, user, class_id=5, state=1, size=48), 0)
        layout.add(bytes(64), 3)
    assert isinstance(around(layout.target(), START + 16), Absent)


def test_a_damaged_header_is_left_out():
    layout = scudo_heap(BLOCKS)
    layout.memory[80] ^= 1
    found = around(layout.target(), START + 80 + 16)
    assert isinstance(found, HeapAround)
    assert found.here is None
    assert [one.size for one in found.objects] == [48, 17, 64, 1]


@pytest.mark.parametrize("word", [0, 2**64 - 1, 0x300, 0xFF, 1 << 63])
def test_any_word_is_a_header_or_is_not(word):
    header = scudo.parse(START, word)
    assert header is None or header.user == START + 16
