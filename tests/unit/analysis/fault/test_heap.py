"""Hypotheses about heap memory, from chunk headers and tags that a test lays out."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest

from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.decode.heap.glibc import MOST_CHUNKS, Around, chunks_around, first_chunk
from mtedbg.model.absent import Absent
from mtedbg.model.memory import Region
from mtedbg.model.pointer import GRANULE
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import image

START, SIZE = 0x5500_0000, 0x4000
IN_USE = 1
FREED, LIVE = 0, 5


def heap_of(chunks: Sequence[tuple[int, int]], name: str = "[heap]", damage: int = 0) -> Session:
    """A heap of chunks: bytes of user data and tag; after them the top, which is not tagged.

    A chunk with tag 0 is in a bin: the one after it says that it is free.
    """
    memory, tags, before_free = bytearray(), bytearray(), False
    for size, tag in [*chunks, (0, 0)]:
        whole = size + 16 if size else SIZE - len(memory)
        flags = 0 if before_free else IN_USE
        memory += struct.pack("<QQ", 0, (whole | flags) ^ damage) + bytes(whole - 16)
        tags += bytes([0]) + bytes([tag]) * ((whole - 16) // GRANULE)
        before_free = tag == FREED and size > 0
    target = FakeTarget(
        memory={START: bytes(memory)},
        tags={START: bytes(tags)},
        mappings=[Region(START, START + SIZE, "rw-", name, tagged=True)],
    )
    return Session(target)


def pointer(offset: int, tag: int = LIVE) -> int:
    return START + offset | tag << 56


CHUNKS = [(48, 3), (48, LIVE), (48, FREED), (112, 9)]
"""User data at 0x10, 0x50, 0x90 and 0xd0."""


@pytest.mark.parametrize(
    ("offset", "tag", "first"),
    [
        (0x90, 7, f"use after free: 0 bytes into a freed chunk of 48 bytes at {START + 0x90:#x}"),
        (0x98, 7, f"use after free: 8 bytes into a freed chunk of 48 bytes at {START + 0x90:#x}"),
        (0x80, LIVE, f"out of bounds: right after the chunk of 48 bytes at {START + 0x50:#x}"),
        (0x48, LIVE, f"out of bounds: 8 bytes before the chunk of 48 bytes at {START + 0x50:#x}"),
        (0x10, LIVE, f"out of bounds: 64 bytes before the chunk of 48 bytes at {START + 0x50:#x}"),
        (0xD0, 6, "use after free: memory allocated again, now a chunk of 112 bytes"),
        (0x40, 12, "out of bounds"),
        (0x50, 0, "a pointer that lost its tag"),
    ],
)
def test_the_likeliest_hypothesis(offset, tag, first):
    found = heap_hypotheses(heap_of(CHUNKS), pointer(offset, tag))
    assert found[0].what == first
    assert all(hypothesis.reasons for hypothesis in found)
    assert found[0].evident is (tag != 0)


def test_both_are_possible_where_the_neighbour_has_the_pointers_tag():
    found = heap_hypotheses(heap_of(CHUNKS), pointer(0x90))
    assert [hypothesis.what.partition(":")[0] for hypothesis in found] == [
        "use after free",
        "out of bounds",
    ]
    assert "the next chunk says that it is free" in found[0].reasons
    assert "by chance" in found[1].reasons[0]


def test_no_hypothesis_where_tags_match_or_mean_something_else():
    assert heap_hypotheses(heap_of(CHUNKS), pointer(0x50)) == ()
    assert heap_hypotheses(heap_of(CHUNKS), 0x1234) == ()
    target = image().target()
    target.tags[START] = bytes(16)
    target.mappings = [Region(START, START + 256, "rw-", "[heap]", tagged=True)]
    assert heap_hypotheses(Session(target), pointer(0)) == (), (
        "a runtime's tags say whose memory it is"
    )


def test_without_chunks_by_tags_alone():
    found = heap_hypotheses(heap_of(CHUNKS, name="[anon:scudo]"), pointer(0x80))
    assert [hypothesis.what for hypothesis in found] == [
        "out of bounds: 0 bytes past the pointer's own memory",
        "use after free",
    ]
    assert not any(hypothesis.evident for hypothesis in found)


def test_chunks_that_are_damaged_lead_nowhere():
    assert isinstance(around(heap_of(CHUNKS, damage=0x18), 0x90), Absent)
    endless = heap_of([(16, LIVE)] * 8)
    assert isinstance(around(endless, 0x50), Around)
    assert MOST_CHUNKS * 32 > SIZE


def around(session: Session, offset: int) -> Around | Absent:
    return chunks_around(session.target, START, START + SIZE, START + offset)


def test_the_top_of_the_heap():
    found = around(heap_of(CHUNKS), 0x1000)
    assert isinstance(found, Around)
    assert found.here.last
    assert found.after is None
    first = heap_hypotheses(heap_of(CHUNKS), pointer(0x1000))[0]
    assert "the top of the heap" in first.reasons[1]


@pytest.mark.parametrize(
    ("arena", "first"),
    [(0x30, 0x8D0), (0x20, 0x8C0), (-0x1000, 0x30), (None, 0)],
    ids=["first heap", "first heap, glibc before 2.35", "a further heap", "no arena"],
)
def test_where_the_chunks_of_a_threads_arena_begin(arena, first):
    start = 64 << 20
    pointer_there = 0 if arena is None else start + arena
    target = FakeTarget(memory={start: pointer_there.to_bytes(8, "little")})
    assert first_chunk(target, start) == start + first
    assert first_chunk(target, start + 0x1000) == start + 0x1000
    assert first_chunk(FakeTarget(), start) == start
