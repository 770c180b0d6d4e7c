"""GWP-ASan's pool: allocations that were sampled, each on a page of its own between guard pages.

Source: LLVM, compiler-rt/lib/gwp_asan/common.h: `AllocatorState` begins with a magic number and a
version, and has where the pool is; `AllocationMetadata`, one for each slot, has what was given out
there and whether it was given back. guarded_pool_allocator.h: a pointer to the metadata follows the
state, after two locks, which are the C library's. Slots are a page each, a guard page first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.model.pointer import strip

if TYPE_CHECKING:
    from mtedbg.model.memory import Region
    from mtedbg.target import Target

NAME = "GWP-ASan"
DOUBLE_FREE, INVALID_FREE = 2, 3
"""Errors that it finds itself."""

_ANDROIDS = "[anon:.bss]"
_MAGIC = b"ASAN" + struct.pack("<HH", 2, 0)
_STATE = struct.Struct("<8xQQQQBxxxxxxxQ")
_AFTER = 40
"""Words after the state in which the pointer to the metadata is."""
_METADATA, _DEALLOCATED = 568, 560
_MOST_SLOTS = 1 << 20
_MOST_REGIONS, _MOST_BYTES, _MOST_BYTES_IN_ALL = 1 << 14, 1 << 20, 1 << 26
_PAGES = (1 << 12, 1 << 14, 1 << 16)


@dataclass(frozen=True, slots=True)
class GuardedPool:
    """The pool of a process.

    Attributes:
        target: whose.
        start: of its first guard page.
        end: one past its last.
        page: bytes of a page.
        slots: how many slots it has.
        error: what it found itself, as `DOUBLE_FREE`; 0 where nothing.
        error_address: of the pointer that this was about, without tag.
        metadata: where that of the first slot is.
    """

    target: Target
    start: int
    end: int
    page: int
    slots: int
    error: int
    error_address: int
    metadata: int

    def holds(self, address: int) -> bool:
        """Whether an address is in the pool."""
        return self.start <= address < self.end

    def object_near(self, address: int) -> MemoryObject | None:
        """What was given out last at an address of the pool, or next to its guard page."""
        number, rest = divmod(address - self.start, 2 * self.page)
        if rest < self.page:  # a guard page: of the nearer slot
            number -= rest < self.page // 2
        else:
            rest -= self.page
        number = min(max(number, 0), self.slots - 1)
        return self._object(number)

    def _object(self, slot: int) -> MemoryObject | None:
        at = self.metadata + slot * _METADATA
        head = self.target.read_memory(at, 16)
        tail = self.target.read_memory(at + _DEALLOCATED, 1)
        if isinstance(head, Absent) or isinstance(tail, Absent):
            return None
        start, size = struct.unpack("<QQ", head)
        low = self.start + self.page * (1 + 2 * slot)
        if not low <= start <= low + self.page or size > self.page:
            return None
        state = ObjectState.FREED if tail[0] else ObjectState.LIVE
        return MemoryObject(NAME, start, size, state)


def guarded_pool(target: Target) -> GuardedPool | None:
    """The pool of a process; None where it has none."""
    regions = target.regions()
    known = () if isinstance(regions, Absent) else regions[:_MOST_REGIONS]
    left = _MOST_BYTES_IN_ALL
    for region in _data_of_images(known):
        length = min(region.end - region.start, _MOST_BYTES)
        left -= length
        data = target.read_memory(region.start, length) if left >= 0 else b""
        if isinstance(data, Absent):
            continue
        at = data.find(_MAGIC)
        while at >= 0:
            found = _pool(target, data, at) if at % 8 == 0 else None
            if found is not None:
                return found
            at = data.find(_MAGIC, at + 1)
    return None


def _data_of_images(regions: Sequence[Region]) -> Iterator[Region]:
    """Variables of a program and its libraries: the state is one, never initialised (.bss)."""
    before: Region | None = None
    for region in regions:
        of_file = region.name.startswith("/")
        follows = before is not None and before.end == region.start
        if of_file or (follows and region.name in ("", _ANDROIDS)):
            before = region
            if region.perms[:2] == "rw" and region.dumped:
                yield region
        else:
            before = None


def _pool(target: Target, data: bytes, at: int) -> GuardedPool | None:
    """The pool whose state is at `at`, if it is one: its metadata has to agree with it."""
    if at + _STATE.size + 8 * _AFTER > len(data):
        return None
    slots, start, end, page, error, address = _STATE.unpack_from(data, at)
    if page not in _PAGES or not 0 < slots <= _MOST_SLOTS:
        return None
    # Later versions have one page more, for addresses that stand for errors found inside.
    if end - start not in (page * (2 * slots + 1), page * (2 * slots + 2)):
        return None
    words = struct.unpack_from(f"<{_AFTER}Q", data, at + _STATE.size)
    for word in words:
        pool = GuardedPool(target, start, end, page, slots, error, strip(address), word)
        if word % page == 0 and word and any(map(pool._object, range(min(slots, 64)))):
            return pool
    return None
