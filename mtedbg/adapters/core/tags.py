"""Allocation tags in a core: PT_AARCH64_MEMTAG_MTE segments.

Source: kernel document arm64/memory-tagging-extension.rst, "Core dump support": p_vaddr and
p_memsz are the tagged range, the contents two tags a byte. Low nibble first, as
arch/arm64/lib/mte.S (mte_save_page_tags) packs them. No contents (p_filesz 0) means that the tags
were not dumped, which is not tag 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.adapters.core.segments import Segment, Segments
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import ZERO_TAGS, TagPiece
from mtedbg.model.pointer import GRANULE

_LOW = bytes(value & 0xF for value in range(256))
_HIGH = bytes(value >> 4 for value in range(256))
NOT_DUMPED = Absent(Reason.NOT_DUMPED)
TRUNCATED = Absent(Reason.NOT_DUMPED, "the file is truncated")


def unpack(packed: bytes) -> bytearray:
    """Two tags a byte, low nibble first → one tag a byte."""
    tags = bytearray(2 * len(packed))
    tags[0::2] = packed.translate(_LOW)
    tags[1::2] = packed.translate(_HIGH)
    return tags


def read_tags(segments: Segments, segment: Segment, start: int, end: int) -> Iterator[TagPiece]:
    """The tags of [start, end), which lies in `segment`: at most one piece with, one without."""
    first, last = (start - segment.start) // GRANULE, (end - segment.start) // GRANULE
    if last - first == len(ZERO_TAGS) and segments.is_hole(segment, first // 2, (last + 1) // 2):
        yield TagPiece(start, end, ZERO_TAGS)
        return
    tags = unpack(segments.contents(segment, first // 2, (last + 1) // 2))
    skip = first % 2
    tags = tags[skip : skip + last - first]
    there = start + len(tags) * GRANULE
    if tags:
        yield TagPiece(start, there, bytes(tags))
    if there < end:
        yield TagPiece(there, end, TRUNCATED if segment.promised else NOT_DUMPED)
