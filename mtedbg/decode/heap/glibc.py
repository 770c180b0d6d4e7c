"""Chunks of glibc's heap, by their headers.

Source: glibc 2.36, malloc/malloc.c: a chunk begins with two words, the size of the one before and
its own, whose three low bits are flags; user data follows. With heap tagging
(`glibc.mem.tagging`) a header never shares a granule with user data: of a chunk of SIZE bytes the
user has SIZE - 16. Headers have tag 0, and so has what is free (malloc/malloc.c, "Memory
tagging"; tag_region, tag_new_usable): what has another tag is no header. Its main arena then comes
from mmap as well, a mebibyte at a time (sysmalloc_mmap_fallback), one below the other: the kernel
joins them to one mapping; each but the last ends with two chunks of 16 bytes. malloc/arena.c: a
thread's arena has heaps of 64 MiB, each at a multiple of that; a heap_info stands first in them,
and in the first one the arena itself. A large chunk has a mapping of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.model.pointer import GRANULE, granule_of

if TYPE_CHECKING:
    from mtedbg.decode.heap.memory import HeapMemory

NAME = "glibc"
HEADER = 16
"""Bytes of a header: one granule."""

MOST_STEPS = 1 << 22
"""Chunks that are walked over: one that is in use is never far, unless all before it is free."""

MOST_PIECES = 1 << 12
"""Chunks that are looked at one by one, and ends of pieces of the main arena that are met."""

_LEAST, _FLAGS = 32, 7
_PREVIOUS_IN_USE, _MMAPPED, _NOT_MAIN = 1, 2, 4
_SIZE_BITS = 47
_ARENA_HEAP = 64 << 20
_ARENA_CHUNK = 0x8A0
"""From the arena in its first heap to the first chunk: sizeof(struct malloc_state), aligned."""
_TOP = 0x60
"""From the arena to where its top is said to be."""
_HEAP_INFO = 0x30
_PAGE = 4096
_WINDOW = 1 << 16
_TRIES = 64
"""Granules that may be a header, and are looked at, before the one that is."""
_FENCEPOSTS = 3
"""Chunks of 16 bytes where a piece of the main arena ends: two, and what is left of its top."""
_MOST_CACHED = 1056
"""Bytes of the largest chunk that is free and not marked as such: a thread's cache has it."""
_CONFIRMED = 3
"""Chunks in a row whose sizes agree with their tags: another allocator's do not."""
_CACHE = range(0x240, 0x400)
"""Bytes of the chunk that a thread keeps its freed chunks by: tcache_perthread_struct."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: [start, end), its user data from `user` on.

    Attributes:
        start: of its header.
        end: one past its last byte.
        flags: the three low bits of its size.
        last: whether nothing is after it: the top of the heap, or the only one of a mapping.
    """

    start: int
    end: int
    flags: int
    last: bool

    @property
    def user(self) -> int:
        """Where its user data begins."""
        return self.start + HEADER

    @property
    def size(self) -> int:
        """Bytes of user data."""
        return self.end - self.user


def objects(memory: HeapMemory, low: int, high: int) -> list[MemoryObject] | Absent:
    """What glibc gave out in [low, high), what it took back, and the top of its heap.

    Args:
        memory: the mapping.
        low: an address in it; the object that holds it is the first.
        high: one past the last address that matters.

    Returns:
        Absent where this is not glibc's memory, or where a damaged header hides it.
    """
    anchor = _anchor(memory, low)
    if isinstance(anchor, Absent):
        return anchor
    found = []
    at: int | None = anchor
    steps = _Steps()
    for _ in range(MOST_PIECES):
        at = None if at is None else _skip(memory, at, low, steps)
        chunk = None if at is None else chunk_at(memory, at)
        if chunk is None or chunk.start >= high:
            break
        if chunk.end > low:
            found.append(_as_object(memory, chunk))
        at = _next(memory, chunk)
    else:
        at = None
    if steps.left <= 0:
        return Absent(Reason.UNKNOWN, f"more than {MOST_STEPS} free chunks are before it")
    if not found:
        return Absent(Reason.DAMAGED, f"no chunk of glibc's is at {low:#x}")
    return [one for one in found if one is not None]


@dataclass(slots=True)
class _Steps:
    """How many more chunks may be walked over."""

    left: int = MOST_STEPS


def _skip(memory: HeapMemory, start: int, low: int, steps: _Steps) -> int:
    """The chunk that holds `low`, or the last before it after which there is something to decide.

    The only loop over all chunks: a buffer at a time, and nothing is made of what it passes.
    """
    at = before = start
    while at < low and steps.left > 0:
        words = memory.words_from(at)
        count, index, far = len(words) - 1, 0, (low - at) // 8
        while index < count:
            size = words[index + 1] >> 4 << 1
            if size < 4:  # the end of a piece of the main arena, or damage
                return before
            if words[index + 1] & _MMAPPED or index + size > far:
                return at + 8 * index
            before = at + 8 * index
            index += size
            steps.left -= 1
        if not index:
            return at
        at += 8 * index
    return at


def _as_object(memory: HeapMemory, chunk: Chunk) -> MemoryObject | None:
    """A chunk as an object; None where it is glibc's own."""
    state = ObjectState.LIVE
    if memory.tag(chunk.user) == 0:
        state = ObjectState.SPARE if _is_top(memory, chunk) else ObjectState.FREED
        if chunk.start == first_chunk(memory) and chunk.end - chunk.start in _CACHE:
            return None
    return MemoryObject(NAME, chunk.user, chunk.size, state, exact=False)


def _is_top(memory: HeapMemory, chunk: Chunk) -> bool:
    """Whether a chunk that is not in use was never given out, or fell back to what was not.

    Where the kernel joined two pieces of the main arena the first chunk of the next one is after
    the top: that one does not say that the chunk before it is free.
    """
    if chunk.last:
        return True
    after = memory.word(chunk.end + 8) or 0
    joined = chunk.end % _PAGE == 0 and after & _PREVIOUS_IN_USE
    return bool(joined) and chunk.end - chunk.start > _MOST_CACHED


def chunk_at(memory: HeapMemory, start: int) -> Chunk | None:
    """The chunk whose header is at `start`, if one can be there."""
    word = memory.word(start + 8)
    if word is None:
        return None
    size = word & ~_FLAGS
    end = start + size
    if size < _LEAST or size % HEADER or end > memory.end:
        return None
    if word & _MMAPPED:
        # Its first word is what lies between it and the mapping's beginning.
        before = memory.word(start) or 0
        whole = (start - before) % _PAGE == 0 and end % _PAGE == 0 and before <= start
        return Chunk(start, end, word & _FLAGS, last=True) if whole else None
    after = memory.word(end + 8) if end + HEADER <= memory.end else 0
    return Chunk(start, end, word & _FLAGS, last=not after)


def _next(memory: HeapMemory, chunk: Chunk) -> int | None:
    """Where the chunk after `chunk` is; None after the last one of the mapping."""
    if chunk.flags & _MMAPPED or chunk.end >= memory.end:
        return chunk.end if chunk.end < memory.end else None
    if chunk.last:
        return None
    at = chunk.end
    for _ in range(_FENCEPOSTS):
        word = memory.word(at + 8)
        if word is None or word & ~_FLAGS != HEADER:
            break
        at += HEADER
    return at if at < memory.end else None


def first_chunk(memory: HeapMemory) -> int:
    """Where the first chunk of a mapping is."""
    start = memory.start
    arena = memory.word(start) if start % _ARENA_HEAP == 0 else None
    if not arena:
        return start
    inside = arena - start
    if 0 < inside <= _HEAP_INFO:  # glibc before 2.35 has a shorter heap_info
        return arena + _ARENA_CHUNK
    return start + _HEAP_INFO


def _anchor(memory: HeapMemory, address: int) -> int | Absent:
    """The header of a chunk at or before `address`, and that it is glibc's.

    Memory in use has a tag, and the granule before it is a header: its size has to agree with how
    far the tag reaches. What is free has tag 0 like its header, so that only a walk tells.
    """
    for candidate in _candidates(memory, address):
        if _is_confirmed(memory, candidate):
            return candidate
    first = first_chunk(memory)
    if first <= address and _is_confirmed(memory, first):
        return first
    return Absent(Reason.UNKNOWN, "these are no chunks of glibc's")


def _candidates(memory: HeapMemory, address: int) -> Iterator[int]:
    """Granules with tag 0 that one with another tag follows, the nearest to `address` first."""
    window, tries = _WINDOW, 0
    high = granule_of(address) + 2 * GRANULE  # the address may be in a header
    seen = high
    while window <= memory.longest and seen > memory.start:
        low = max(high - window, memory.start)
        tags = memory.tags(low, high)
        at = len(tags)
        while (end := len(tags[:at].rstrip(b"\0"))) > 0:
            before = tags.rfind(b"\0", 0, end)
            if before < 0:
                break
            found = low + before * GRANULE
            if found < seen and found <= address:
                yield found
                seen = found
                tries += 1
                if tries == _TRIES:
                    return
            at = before
        if low == memory.start:
            return
        window *= 16


def _is_confirmed(memory: HeapMemory, start: int) -> bool:
    """Whether the chunks from `start` on are glibc's, by their sizes and their tags."""
    at, in_use = start, 0
    for number in range(_CONFIRMED + 1):
        chunk = chunk_at(memory, at)
        if chunk is None or memory.tag(at) != 0 or not _agrees(memory, chunk):
            return False
        if chunk.flags & _MMAPPED:
            return memory.tag(chunk.user) != 0
        in_use += memory.tag(chunk.user) != 0
        following = _next(memory, chunk)
        if following is None:
            # Few chunks have to reach to the end: a top at the end of the mapping, of a page.
            in_use += _begins_with_cache(memory, start) or _has_arena(memory)
            return in_use > 0 and (number >= 1 or chunk.end == memory.end)
        at = following
    return in_use > 0 or start == first_chunk(memory)


def _begins_with_cache(memory: HeapMemory, start: int) -> bool:
    """Whether the chunk at `start` is what a thread keeps its freed chunks by: it comes first."""
    chunk = chunk_at(memory, start)
    return chunk is not None and start == first_chunk(memory) and chunk.end - start in _CACHE


def _has_arena(memory: HeapMemory) -> bool:
    """Whether a thread's arena is at the beginning of the mapping: its top is in it as well."""
    first = first_chunk(memory)
    top = memory.word(first - _ARENA_CHUNK + _TOP) if first > memory.start + _HEAP_INFO else None
    return top is not None and first <= top < memory.end and chunk_at(memory, top) is not None


def _agrees(memory: HeapMemory, chunk: Chunk) -> bool:
    """Whether the flags of a chunk, and the tags of its user data, are those of glibc's."""
    in_arena = memory.start % _ARENA_HEAP == 0 and bool(memory.word(memory.start))
    if chunk.flags & _NOT_MAIN and not in_arena:
        return False
    tags = memory.tags(chunk.user, min(chunk.end, chunk.user + _WINDOW))
    tag = tags[0] if tags else 0
    if tags.count(bytes([tag])) != len(tags):
        return False
    if not tag or chunk.last or chunk.flags & _MMAPPED:
        return True
    after = memory.word(chunk.end + 8)
    return after is not None and bool(after & _PREVIOUS_IN_USE)
