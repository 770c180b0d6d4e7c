"""Chunks of glibc's heap, by their headers.

Source: glibc 2.36, malloc/malloc.c: a chunk begins with two words, the size of the one before and
its own, whose three low bits are flags; user data follows. With heap tagging
(`glibc.mem.tagging`) a header never shares a granule with user data: of a chunk of SIZE bytes the
user has SIZE - 16. Headers have tag 0, and so has what is free (malloc/malloc.c, "Memory
tagging"; tag_region, tag_new_usable). malloc/arena.c: a thread's arena has heaps of 64 MiB, each
at a multiple of that; a heap_info stands first in them, and in the first one the arena itself.
"""

from __future__ import annotations

import struct

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, Reason
from mtedbg.target import Target

HEADER = 16
"""Bytes of a header: one granule."""

MOST_CHUNKS = 1 << 18
_LEAST, _FLAGS = 32, 7
_PREVIOUS_IN_USE, _MMAPPED = 1, 2
_SIZE = struct.Struct("<Q")
_BUFFER = 1 << 16
_ARENA_HEAP = 64 << 20
_ARENA_CHUNK = 0x8A0
"""From the arena in its first heap to the first chunk: sizeof(struct malloc_state), aligned."""
_HEAP_INFO = 0x30


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: [start, end), its user data from `user` on.

    Attributes:
        start: of its header.
        end: one past its last byte.
        free: whether the chunk after it says that it is free; what a thread keeps for itself
            (tcache, fast bins) is not marked.
        last: whether nothing is after it: the top of the heap.
    """

    start: int
    end: int
    free: bool
    last: bool

    @property
    def user(self) -> int:
        """Where its user data begins."""
        return self.start + HEADER

    @property
    def size(self) -> int:
        """Bytes of user data."""
        return self.end - self.user


@dataclass(frozen=True, slots=True)
class Around:
    """The chunk that holds an address, and those next to it."""

    before: Chunk | None
    here: Chunk
    after: Chunk | None


class _Headers:
    """Sizes of chunks, read a buffer at a time."""

    def __init__(self, target: Target, end: int) -> None:
        self._target, self._end = target, end
        self._start, self._data = 0, b""

    def size_at(self, chunk: int) -> int | Absent:
        """The size word of the chunk at `chunk`, with its flags."""
        at = chunk + 8 - self._start
        if not 0 <= at <= len(self._data) - 8:
            length = min(_BUFFER, self._end - chunk)
            data = self._target.read_memory(chunk, length)
            if isinstance(data, Absent):
                data = self._target.read_memory(chunk, HEADER)
            if isinstance(data, Absent):
                return data
            if len(data) < HEADER:
                return Absent(Reason.UNREADABLE, "the end of the heap")
            self._start, self._data, at = chunk, data, 8
        (word,) = _SIZE.unpack_from(self._data, at)
        assert isinstance(word, int)
        return word


def first_chunk(target: Target, start: int) -> int:
    """Where the first chunk of a heap is, whose mapping begins at `start`."""
    data = target.read_memory(start, _SIZE.size) if start % _ARENA_HEAP == 0 else b""
    if not data or isinstance(data, Absent):
        return start
    (arena,) = _SIZE.unpack(data)
    inside = arena - start
    if 0 < inside <= _HEAP_INFO:  # glibc before 2.35 has a shorter heap_info
        return int(arena) + _ARENA_CHUNK
    return start + _HEAP_INFO if arena else start


def chunks_around(target: Target, start: int, end: int, address: int) -> Around | Absent:
    """The chunk that holds `address`, found by a walk from the beginning of the heap.

    Args:
        target: where.
        start: of the heap's mapping.
        end: of the mapping.
        address: in it, without tag.

    Returns:
        Absent where the chunks do not lead to it: damaged, or another allocator's.
    """
    headers = _Headers(target, end)
    previous: Chunk | None = None
    at = first_chunk(target, start)
    for _ in range(MOST_CHUNKS):
        chunk = _chunk(headers, at, end)
        if isinstance(chunk, Absent):
            return chunk
        if address < chunk.end:
            after = None if chunk.last else _chunk(headers, chunk.end, end)
            return Around(previous, chunk, None if isinstance(after, Absent) else after)
        if chunk.last:
            return Absent(Reason.UNKNOWN, "after the last chunk")
        previous, at = chunk, chunk.end
    return Absent(Reason.UNKNOWN, f"more than {MOST_CHUNKS} chunks before it")


def _chunk(headers: _Headers, start: int, limit: int) -> Chunk | Absent:
    word = headers.size_at(start)
    if isinstance(word, Absent):
        return word
    end = start + (word & ~_FLAGS)
    if end - start < _LEAST or (end - start) % HEADER or end > limit:
        return Absent(Reason.DAMAGED, f"no chunk of glibc's heap is at {start:#x}")
    if word & _MMAPPED or end + HEADER > limit:
        return Chunk(start, end, free=False, last=True)
    after = headers.size_at(end)
    free = isinstance(after, int) and not after & _PREVIOUS_IN_USE
    return Chunk(start, end, free, last=False)
