"""Chunks of Scudo's heap, by their headers and the checksums in them.

Source: LLVM, compiler-rt/lib/scudo/standalone: chunk.h (8 bytes, 16 before the user's memory:
class, state, origin, size, offset, checksum), checksum.h (CRC-32C of a random cookie, the chunk's
address and its header, folded to 16 bits; without the processor's instruction the BSD checksum),
combined.h (the header's granule has tag 0 and what the user has does not; large chunks are of
class 0, their headers have tag 2, what the user has is not tagged), secondary.h
(LargeBlock::Header). The chunk header is the same in Android's C library and in all versions that
know memory tagging.

The cookie need not be found: its part of a CRC is the same in every chunk, because a CRC is linear,
and a BSD checksum can be run backwards. What most headers have in common is it; that they have
something in common shows that they are Scudo's.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass, field
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.model.pointer import GRANULE, granule_of, with_tag

if TYPE_CHECKING:
    from mtedbg.decode.heap.memory import HeapMemory

NAME = "Scudo"
HEADER = 16
LARGE_HEADER_TAG = 2

MOST_MAPPINGS = 64
"""Mappings whose headers are looked at, where those near an address are too few."""

_STATES = (ObjectState.FREED, ObjectState.LIVE, ObjectState.QUARANTINED)
_CLASSES = 64
_MOST_SAMPLED = 1 << 11
_SAMPLE = 1 << 18
_ELSEWHERE = 16
_LARGEST = 1 << 20
"""Bytes of the largest size class, with room to spare (size_class_map.h: 256 KiB)."""
_FIRST_BACK = 1 << 12
_KNOWN, _UNKNOWN = 2, 3
"""Headers that have to agree, with and without Scudo's name in the process."""
_CASTAGNOLI = 0x82F63B78
_LARGE = struct.Struct("<QQQQ")
_FIXED = (0, LARGE_HEADER_TAG)
_BEFORE = re.compile(rb"\x00(?=[\x01-\x0f])|\x02(?=\x00)")
"""A header and what it is of: a chunk that has or had a tag, or a large one, which has none."""
_PAGE = 4096
_MOST_LARGE = 1 << 40
"""Bytes that are ever given out (MaxAllowedMallocSize)."""


@dataclass(frozen=True, slots=True)
class Header:
    """A chunk header.

    Attributes:
        user: where the user's memory begins, without tag.
        class_id: size class; 0 of a large chunk.
        state: whether it is in use.
        origin: 0 malloc, 1 new, 2 new[], 3 memalign; of a freed one whether it was zeroed.
        size: bytes that were asked for; of a large chunk those left over at its end.
        offset: bytes from where the block begins to the header, for alignment.
        checksum: of all of it.
    """

    user: int
    class_id: int
    state: ObjectState
    origin: int
    size: int
    offset: int
    checksum: int


@dataclass(slots=True)
class Cookie:
    """What all checksums of a process have in common.

    Attributes:
        is_crc: whether they are CRCs; else BSD checksums.
        value: the 16 bits.
        headers: how many were seen to agree.
    """

    is_crc: bool
    value: int
    headers: int


@dataclass(slots=True)
class ScudoHeap:
    """A mapping of Scudo's, by the cookie that its headers agree on."""

    memory: HeapMemory
    cookie: Cookie
    _seen: dict[int, Header | None] = field(default_factory=dict, repr=False)

    def objects(self, low: int, high: int) -> list[MemoryObject]:
        """What has or had memory in [low, high), in order; what holds `low` is the first."""
        back = _FIRST_BACK
        found: list[MemoryObject] = []
        while not found and back <= 2 * _LARGEST:
            start = max(granule_of(low) - back, self.memory.start)
            before = [one for one in self._in(start, low + GRANULE) if one.start <= low]
            found = before[-1:]
            if start == self.memory.start:
                break
            back *= 8
        first = found[0].start if found else low
        found += [one for one in self._in(low, high + GRANULE) if first < one.start < high]
        return [one for one in found if one.end > low or one is found[0]]

    def _in(self, start: int, end: int) -> Iterator[MemoryObject]:
        """The objects whose headers are in [start, end)."""
        for at in _headers(self.memory, granule_of(start), granule_of(end)):
            header = self._header(at)
            if header is not None:
                one = self._as_object(header)
                if one is not None:
                    yield one

    def _header(self, at: int) -> Header | None:
        if at not in self._seen:
            word = self.memory.word(at)
            header = None if not word else parse(at, word)
            agrees = header is not None and self.cookie.value in _commons(
                header, word or 0, self.cookie.is_crc
            )
            self._seen[at] = header if agrees else None
        return self._seen[at]

    def _as_object(self, header: Header) -> MemoryObject | None:
        size = header.size
        if header.class_id == 0:
            end = self._large_end(header)
            if end is None or not end - header.user - size >= 0:
                return None
            size = end - header.user - size
        return MemoryObject(NAME, header.user, size, header.state)

    def _large_end(self, header: Header) -> int | None:
        """One past the last byte of a large block: LargeBlock::Header is right before it.

        Its third and fourth words are CommitBase and CommitSize since LLVM 14, and the end of the
        block and the mapping's beginning before.
        """
        block = header.user - HEADER - header.offset
        for size in (48, 64, 80, 96):
            words = [self.memory.word(block - size + 8 * number) for number in (2, 3)]
            base, length = words
            if base is None or length is None:
                continue
            if base % _PAGE == 0 and base <= header.user:
                end = base + length
                # What it has after its first pages is a mapping of its own, without tags.
                if header.user <= end and length % _PAGE == 0 and length < _MOST_LARGE:
                    return end
            elif header.user < base < header.user + _MOST_LARGE and base % _PAGE == 0:
                return base
        return None


def scudo_heap(memory: HeapMemory, address: int, *, named: bool) -> ScudoHeap | Absent:
    """Scudo's heap in a mapping, if headers near an address show that it is that.

    Args:
        memory: the mapping.
        address: in it.
        named: whether the process has a library or mapping of that name.
    """
    least = _KNOWN if named else _UNKNOWN
    for low, high in _places(memory, address):
        cookie = _agreed(sampled(memory, granule_of(low), granule_of(high)), least)
        if cookie is not None:
            return ScudoHeap(memory, cookie)
    return Absent(Reason.UNKNOWN, "these are no chunks of Scudo's")


def common_cookie(mappings: Iterable[HeapMemory], *, named: bool) -> Cookie | None:
    """What headers all over a process agree on: each size class has mappings of its own.

    Args:
        mappings: whose beginnings are looked at, at most `MOST_MAPPINGS`.
        named: whether the process has a library or mapping of that name.
    """
    found = [
        one
        for memory in islice(mappings, MOST_MAPPINGS)
        for one in sampled(memory, memory.start, min(memory.start + _SAMPLE, memory.end))
    ]
    return _agreed(found, _KNOWN if named else _UNKNOWN)


def _places(memory: HeapMemory, address: int) -> Iterator[tuple[int, int]]:
    """Stretches to look for headers in: around the address, then here and there."""
    for reach in (_SAMPLE // 16, _SAMPLE):
        yield max(address - reach, memory.start), min(address + reach, memory.end)
    # Pages of freed chunks go back to the kernel, and their headers with them.
    step = max((memory.end - memory.start) // _ELSEWHERE, _SAMPLE)
    for low in range(memory.start, memory.end, step):
        yield low, min(low + _SAMPLE // 4, memory.end)


def parse(at: int, word: int) -> Header | None:
    """The header at `at`, if one can be there."""
    class_id, state = word & 0xFF, word >> 8 & 3
    if class_id > _CLASSES or state >= len(_STATES):
        return None
    return Header(
        at + HEADER,
        class_id,
        _STATES[state],
        word >> 10 & 3,
        word >> 12 & 0xFFFFF,
        (word >> 32 & 0xFFFF) << 4,
        word >> 48,
    )


def _headers(memory: HeapMemory, start: int, end: int) -> Iterator[int]:
    """The granules of [start, end) that may be headers: what follows has another tag."""
    tags = memory.tags(start, end + GRANULE)
    for found in _BEFORE.finditer(tags):
        yield start + found.start() * GRANULE


Sample = list[tuple[Header, int]]


def sampled(memory: HeapMemory, start: int, end: int) -> Sample:
    """What may be headers in [start, end), with their words."""
    found: Sample = []
    for at in _headers(memory, start, end):
        word = memory.word(at)
        header = parse(at, word) if word else None
        if word and header is not None and header.checksum:
            found.append((header, word))
            if len(found) == _MOST_SAMPLED:
                break
    return found


def _agreed(sample: Sample, least: int) -> Cookie | None:
    """What headers have in common, if they agree."""
    best: Cookie | None = None
    for is_crc in (True, False):
        counts = Counter(common for one, word in sample for common in _commons(one, word, is_crc))
        for value, count in counts.most_common(1):
            if count >= max(least, len(sample) // 4) and (best is None or count > best.headers):
                best = Cookie(is_crc, value, count)
    return best


def _commons(header: Header, word: int, is_crc: bool) -> tuple[int, ...]:
    """What the cookie's part of a header's checksum is: by the tag that its address may have."""
    bare = word & (1 << 48) - 1
    ask = _crc_common if is_crc else _bsd_seed
    tags = _FIXED if header.class_id else (LARGE_HEADER_TAG,)
    return tuple(ask(with_tag(header.user, tag), bare, header.checksum) for tag in tags)


def _crc_common(address: int, bare: int, checksum: int) -> int:
    crc = _crc(_crc(0, address), bare)
    return (crc ^ crc >> 16) & 0xFFFF ^ checksum


@cache
def _tables() -> tuple[tuple[int, ...], ...]:
    """CRC-32C of one byte that 0 to 7 others follow."""
    first = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_CASTAGNOLI if value & 1 else 0)
        first.append(value)
    tables = [tuple(first)]
    for _ in range(7):
        tables.append(tuple(value >> 8 ^ first[value & 0xFF] for value in tables[-1]))
    return tuple(tables)


def _crc(crc: int, value: int) -> int:
    """The CRC32CX instruction: `crc` continued by eight bytes."""
    tables = _tables()
    value ^= crc
    result = 0
    for number, byte in enumerate(value.to_bytes(8, "little")):
        result ^= tables[7 - number][byte]
    return result


def _bsd_seed(address: int, bare: int, checksum: int) -> int:
    """The seed from which a BSD checksum of both words comes to `checksum`."""
    total = checksum
    for byte in reversed(address.to_bytes(8, "little") + bare.to_bytes(8, "little")):
        total = (total - byte) & 0xFFFF
        total = (total << 1 | total >> 15) & 0xFFFF
    return total
