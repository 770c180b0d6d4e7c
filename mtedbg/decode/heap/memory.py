"""The memory of a mapping that a heap may be in: words and tags, read in bounded pieces."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass, field
from mtedbg.model.absent import Absent, present
from mtedbg.model.pointer import GRANULE

if TYPE_CHECKING:
    from mtedbg.target import Target

NO_TAG = 0x80
"""Stands for the tag of a granule that has none, or whose tag is not known."""

LONGEST, LONGEST_LIVE = 1 << 24, 1 << 15
"""Bytes of address space whose tags are looked at to find where an object begins: in a file, and in
a live process, where a server may give one tag a packet."""

_BUFFER = 1 << 18
_BLOCK = 1 << 10
_MOST_BLOCKS = 1 << 12
_WORD = struct.Struct("<Q")


@dataclass(slots=True)
class HeapMemory:
    """One mapping of a process, and what was read of it last.

    Attributes:
        target: whose.
        start: first address of the mapping.
        end: one past its last address.
        longest: bytes of address space whose tags are read at once.
    """

    target: Target
    start: int
    end: int
    longest: int = LONGEST
    _start: int = field(default=0, repr=False)
    _data: bytes = field(default=b"", repr=False)
    _tags: dict[int, bytes] = field(default_factory=dict, repr=False)

    def tags(self, start: int, end: int) -> bytes:
        """One byte a granule of [start, end), both multiples of 16; `NO_TAG` where there is none.

        What is not in the mapping has none. At most `longest` bytes of address space are read.
        """
        low, high = max(start, self.start), min(end, self.end, start + self.longest)
        if low >= high:
            return bytes([NO_TAG]) * max((end - start) // GRANULE, 0)
        found = bytes([NO_TAG]) * ((low - start) // GRANULE)
        for piece in self.target.read_tags(low, high):
            found += (
                piece.tags
                if present(piece.tags)
                else bytes([NO_TAG]) * min(piece.granules, self.longest)
            )
        return found + bytes([NO_TAG]) * max((end - high) // GRANULE, 0)

    def tag(self, address: int) -> int:
        """The allocation tag of the granule that holds `address`, or `NO_TAG`."""
        block = address & ~(_BLOCK - 1)
        if block not in self._tags:
            if len(self._tags) >= _MOST_BLOCKS:
                self._tags.clear()
            self._tags[block] = self.tags(block, block + _BLOCK)
        return self._tags[block][(address - block) // GRANULE]

    def word(self, address: int) -> int | None:
        """The 8 bytes at `address` as a number; None where they are not there."""
        at = address - self._start
        if not 0 <= at <= len(self._data) - 8 and not self._fill(address):
            return None
        (word,) = _WORD.unpack_from(self._data, address - self._start)
        assert isinstance(word, int)
        return word

    def bytes_at(self, start: int, length: int) -> bytes | Absent:
        """All of `length` bytes at `start`, or why they are not there."""
        return self.target.read_memory(start, length)

    def words_from(self, address: int) -> memoryview[int]:
        """Words of 8 bytes from `address` on, as many as a buffer has; none before a hole."""
        if not self._fill(address):
            return memoryview(b"").cast("Q")
        whole = len(self._data) & ~7
        return memoryview(self._data)[:whole].cast("Q")

    def _fill(self, address: int) -> bool:
        """Reads a buffer from `address` on: smaller and smaller ones before a hole."""
        if not self.start <= address <= self.end - 8:
            return False
        length = min(_BUFFER, self.end - address)
        while length >= 8:
            data = self.target.read_memory(address, length)
            if not isinstance(data, Absent):
                self._start, self._data = address, data
                return True
            length = 8 if 8 < length < 64 else length // 8
        return False
