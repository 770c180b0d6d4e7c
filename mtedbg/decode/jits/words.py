"""Numbers, pointers and text of a process's memory, for readers of structures with many pointers.

Whatever is not there ends what is being read, by an exception of this file alone: a reader catches
it where it answers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from mtedbg.decode.pages import Pages
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.pointer import strip
from mtedbg.target import Target

LONGEST_TEXT = 1 << 10

_WORD = 8
_PIECE, _SMALL = 1 << 20, 1 << 12
_TEXT_PIECE = 64
_SPACE = 1 << 56


Piece = tuple[int, bytes]
"""Where it is, and what is there."""


class HoleError(Exception):
    """What a reader needs is not there.

    Attributes:
        why: the reason.
    """

    def __init__(self, why: Absent) -> None:
        super().__init__(str(why))
        self.why = why


def damaged(what: str) -> HoleError:
    """A structure contradicts itself; `what`: in which way."""
    return HoleError(Absent(Reason.DAMAGED, what))


class Words:
    """Memory of a stopped process: what was read is kept, so this lives no longer than a stop.

    Args:
        target: the process.
        pac_mask: as in `model.pointer.strip`.
    """

    def __init__(self, target: Target, pac_mask: int = 0) -> None:
        self._pages = Pages(target)
        self._mask = pac_mask

    def bytes(self, address: int, length: int) -> bytes:
        """All `length` bytes at `address`, which may carry a tag.

        Raises:
            HoleError: they are not all there.
        """
        address = strip(address, self._mask)
        if address + length > _SPACE:
            raise HoleError(Absent(Reason.UNMAPPED, f"{address:#x} is no address"))
        found = self._pages.read(address, length)
        if isinstance(found, Absent):
            raise HoleError(Absent(found.reason, f"{length} bytes at {address:#x}"))
        return found

    def words(self, address: int, count: int) -> Sequence[int]:
        """`count` words of 8 bytes.

        Raises:
            HoleError: they are not all there.
        """
        return struct.unpack(f"<{count}Q", self.bytes(address, count * _WORD))

    def word(self, address: int) -> int:
        """The 8 bytes at `address` as a number.

        Raises:
            HoleError: they are not all there.
        """
        return self.number(address, _WORD)

    def number(self, address: int, size: int = 4) -> int:
        """An unsigned number of `size` bytes.

        Raises:
            HoleError: it is not there.
        """
        return int.from_bytes(self.bytes(address, size), "little")

    def pieces(self, start: int, end: int) -> Iterator[Piece]:
        """Memory in [start, end) in pieces, those that are there, with their addresses.

        Of a core some pages alone may be there.
        """
        for piece in range(start, end, _PIECE):
            size = min(_PIECE, end - piece)
            try:
                yield piece, self.bytes(piece, size)
            except HoleError:
                yield from self._pages_in(piece, piece + size)

    def _pages_in(self, start: int, end: int) -> Iterator[Piece]:
        while start < end:
            following = min(start // _SMALL * _SMALL + _SMALL, end)
            with suppress(HoleError):
                yield start, self.bytes(start, following - start)
            start = following

    def pointer(self, address: int) -> int:
        """The address that the word at `address` refers to, without tag and PAC bits.

        Raises:
            HoleError: the word is not there.
        """
        return strip(self.word(address), self._mask)

    def strip(self, value: int) -> int:
        """`value` without tag and PAC bits."""
        return strip(value, self._mask)

    def text(self, address: int, most: int = LONGEST_TEXT) -> str:
        """Text that ends with a zero byte; its first `most` bytes where it is longer.

        Raises:
            HoleError: it is not there.
        """
        found = b""
        while len(found) < most:
            piece = min(_TEXT_PIECE - (address + len(found)) % _TEXT_PIECE, most - len(found))
            found += self.bytes(address + len(found), piece)
            if (end := found.find(0)) >= 0:
                found = found[:end]
                break
        return found.decode("utf-8", "replace")


def smallest_first(runs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Memory for code, in the order in which it is looked through where there is a bound.

    A JIT's own is small beside what others have reserved, or a damaged core says to be there.
    """
    return sorted(runs, key=lambda run: (run[1] - run[0], run[0]))


def bounded(runs: Iterable[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """What is looked through of memory for code, in the order of addresses.

    Args:
        runs: first addresses and ends.
        most: bytes, of the smallest runs first.
    """
    found = []
    for start, end in smallest_first(runs):
        size = min(end - start, most)
        most -= size
        if size:
            found.append((start, start + size))
    return sorted(found)


def at_most(count: int, key: Callable[[int], int], wanted: int) -> int:
    """How many of `count` things, in ascending order of `key(number)`, have at most `wanted`.

    Only as many are read as a binary search needs.
    """
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if key(middle) <= wanted:
            low = middle + 1
        else:
            high = middle
    return low
