"""Slots of hardened_malloc, by its records, which are kept apart from what it gives out.

Source: GrapheneOS/hardened_malloc, h_malloc.c and memtag.h. A page that is read-only after the
start (`ro`) has the bounds of all slabs, an array of `struct size_class` for each arena, and
`struct region_allocator` right after the last of them. Each class of each arena has a region of
its own among the slabs, so that an address alone tells the size of its slot; where in it slabs
begin is random, and is in the class, like the address of its `struct slab_metadata`: a bit for each
slot in use, with quarantine one for each that waits in it, and the tag that each had last. A slot
that is in use has another tag than its neighbours have or had; one that was freed has tag 15, and
one that never was given out 0.
"""

from __future__ import annotations

import struct
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent
from mtedbg.model.memory_object import MemoryObject, ObjectState

if TYPE_CHECKING:
    from mtedbg.model.memory import Region
    from mtedbg.target import Target

NAME = "hardened_malloc"
RESERVED_TAG = 15
"""Of slots that were freed."""

_PAGE = 4096
_MOST_ARENAS = 256
_MOST_REGIONS = 1 << 14
_MOST_RO = 1 << 16
_SLOTS = (
    *(256, 256, 128, 85, 64, 51, 42, 36, 64, 51, 64, 54, 64),
    *(64,) * 8,
    *(16,) * 4,
    *(8,) * 8,
    *(6, 5, 4, 4),
    *(1,) * 12,
)
_CLASSES = (49, 37)
"""Size classes with and without CONFIG_EXTENDED_SIZE_CLASSES."""
_LARGEST_CLASS_STRUCT = 1 << 26
_FIRST_WORDS = 16
"""Words of a class in which its region's beginning is: after a lock, which is the C library's."""
_BITMAP, _LINKS, _TAGS = 32, 16, 129


SIZES = (16, *(16 * number for number in range(1, 9)))
"""Bytes of a slot, by class; those after 128 come four for each power of two."""
SIZES += tuple((128 << n) // 4 * (4 + quarter) for n in range(10) for quarter in (1, 2, 3, 4))


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a `struct slab_metadata` is built: which options it was compiled with.

    Attributes:
        size: of one.
        quarantine: where its bits for slots in quarantine are; 0 where there are none.
        tags: where its tags are, a nibble each; 0 where there are none.
    """

    size: int
    quarantine: int
    tags: int


def _layouts() -> dict[int, _Layout]:
    """Every layout by its size: no two have the same."""
    found = {}
    for canary in (8, 0):
        for quarantine in (_BITMAP, 0):
            for tags in (_TAGS, 0):
                at = _BITMAP + _LINKS + canary + 2  # a count of 2 bytes
                where = at = (at + 7) & ~7 if quarantine else at
                at += quarantine
                size = (at + tags + 7) & ~7
                found[size] = _Layout(size, where if quarantine else 0, at if tags else 0)
    return found


@dataclass(frozen=True, slots=True)
class HardenedHeap:
    """hardened_malloc's state in a process.

    Attributes:
        target: whose.
        start: of all slabs.
        end: of all slabs.
        classes: address of each arena's array of classes.
        class_size: bytes of a `struct size_class`.
        count: classes of an arena.
    """

    target: Target
    start: int
    end: int
    classes: tuple[int, ...]
    class_size: int
    count: int

    @property
    def region_size(self) -> int:
        """Bytes of address space that a class has, gaps included."""
        return (self.end - self.start) // len(self.classes) // self.count

    def holds(self, address: int) -> bool:
        """Whether an address is among the slabs."""
        return self.start <= address < self.end

    def objects(self, low: int, high: int) -> list[MemoryObject]:
        """The slots of [low, high), which are of one class, in order."""
        index = (low - self.start) // self.region_size
        arena, number = divmod(index, self.count)
        slabs = self._slabs(arena, number)
        if slabs is None:
            return []
        begin, info, layout = slabs
        size, slots, slab_size = _slab(number)
        found: list[MemoryObject] = []
        at = max(low, begin)
        while at < min(high, self.start + (index + 1) * self.region_size):
            slab = begin + (at - begin) // slab_size * slab_size
            where = info + (slab - begin) // slab_size * layout.size
            record = self.target.read_memory(where, layout.size)
            if isinstance(record, Absent):
                return found
            for slot in range((at - slab) // size, slots):
                start = slab + slot * size
                if start >= high:
                    return found
                state = _state(record, layout, slot)
                tag = _tag(record, layout, slot) if layout.tags else None
                found.append(MemoryObject(NAME, start, size, state, exact=False, last_tag=tag))
            at = slab + slab_size
        return found

    def _slabs(self, arena: int, number: int) -> tuple[int, int, _Layout] | None:
        """Where a class's slabs begin, where its records are, and how they are built."""
        here, other = self._class(arena, number), self._class(arena, number + 1)
        if other is None:
            other, here_too = here, self._class(arena, number - 1)
            distance = None if here_too is None or here is None else here[1] - here_too[1]
        else:
            distance = None if here is None else other[1] - here[1]
        if here is None or distance is None:
            return None
        # One record for each page of the class, in a table of whole pages.
        records = self.region_size // 2 // _PAGE
        fits = [one for one in _layouts().values() if _whole_pages(one.size * records) == distance]
        return (*here, fits[0]) if len(fits) == 1 else None

    def _class(self, arena: int, number: int) -> tuple[int, int] | None:
        if not 0 <= number < self.count:
            return None
        low = self.start + (arena * self.count + number) * self.region_size
        at = self.classes[arena] + number * self.class_size
        data = self.target.read_memory(at, 8 * _FIRST_WORDS)
        if isinstance(data, Absent):
            return None
        words = struct.unpack(f"<{_FIRST_WORDS}Q", data)
        for begin, info in pairwise(words):
            if low < begin < low + self.region_size and begin % _PAGE == 0 and info % _PAGE == 0:
                return begin, info
        return None


def hardened_heap(target: Target) -> HardenedHeap | None:
    """hardened_malloc's state, by its read-only page; None where there is none."""
    regions = target.regions()
    if isinstance(regions, Absent):
        return None
    for region in regions[:_MOST_REGIONS]:
        found = _state_in(target, region)
        if found is not None:
            return found
    return None


def _state_in(target: Target, region: Region) -> HardenedHeap | None:
    if region.perms != "r--" or not region.dumped or region.end - region.start > _MOST_RO:
        return None
    for page in range(region.start, region.end, _PAGE):
        data = target.read_memory(page, 8 * (_MOST_ARENAS + 5))
        words = struct.unpack(f"<{len(data) // 8}Q", data) if isinstance(data, bytes) else ()
        if words and (found := _parsed(target, words)):
            return found
    return None


def _parsed(target: Target, words: tuple[int, ...]) -> HardenedHeap | None:
    """The state, if a page with these words is `ro`."""
    start, end, first, second = words[:4]
    step = second - first
    if not (0 < start < end < 1 << 52) or not first or not 0 < step < _LARGEST_CLASS_STRUCT:
        return None
    # Arenas follow one another, and the allocator of large regions follows the last.
    row = len(list(takewhile(lambda n: words[2 + n] == first + n * step, range(_MOST_ARENAS + 1))))
    arenas, tables = row - 1, words[2 + row : 4 + row]
    if arenas < 1 or any(table % _PAGE or table <= first for table in tables):
        return None
    for number in _CLASSES:
        size, rest = divmod(end - start, arenas * number)
        if not rest and size & size - 1 == 0 and size >= 2 * _PAGE and not step % number:
            classes = tuple(first + n * step for n in range(arenas))
            return HardenedHeap(target, start, end, classes, step // number, number)
    return None


def _slab(number: int) -> tuple[int, int, int]:
    """Of a class: bytes of a slot, slots of a slab, bytes of a slab."""
    size, slots = SIZES[number], _SLOTS[number]
    return size, slots, _whole_pages(size * slots)


def _whole_pages(length: int) -> int:
    return (length + _PAGE - 1) & ~(_PAGE - 1)


def _bit(bits: bytes, number: int) -> bool:
    return bool(bits[number // 8] >> number % 8 & 1)


def _tag(record: bytes, layout: _Layout, slot: int) -> int:
    # The first nibble stands for what is before the first slot.
    return record[layout.tags + (slot + 1) // 2] >> 4 * ((slot + 1) % 2) & 0xF


def _state(record: bytes, layout: _Layout, slot: int) -> ObjectState:
    if layout.quarantine and _bit(record[layout.quarantine :], slot):
        return ObjectState.QUARANTINED
    if _bit(record, slot):
        return ObjectState.LIVE
    never = layout.tags and _tag(record, layout, slot) == 0
    return ObjectState.SPARE if never else ObjectState.FREED
