"""Records of code, which are looked for in memory by the addresses of code that they have."""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import Generic, Protocol, TypeVar

from mtedbg.decode.jits.words import HoleError, Words

MOST_SEARCHED, MOST_LIVE = 1 << 29, 1 << 24
"""Bytes that are searched, of a dead process and of a live one."""
MOST_RECORDS = 1 << 18
"""What may be records of one kind, and is looked at."""
MOST_POINTERS = 1 << 22
"""Addresses of code that are looked at, in what is searched."""
_WORD, _INSTRUCTION = 8, 4
_LOW = 3
"""Bytes of an address that are not looked at before its others fit: code has 16 MiB at least."""


class CodePointers:
    """What of a process is searched.

    Args:
        words: its memory.
        runs: executable memory that is no file's: first addresses and ends, in their order.
        heaps: other memory that may be written, in the order in which it is searched.
        most: bytes of `heaps` that are searched.

    Attributes:
        words: the same.
        runs: the same.
        heaps: the same.
    """

    def __init__(
        self,
        words: Words,
        runs: Sequence[tuple[int, int]],
        heaps: Sequence[tuple[int, int]],
        most: int = MOST_SEARCHED,
    ) -> None:
        self.words = words
        self.runs = runs
        self.heaps = heaps
        self._most = most
        self._is_cut = False

    def over(self, words: Words) -> CodePointers:
        """The same, for other memory of the same process."""
        return CodePointers(words, self.runs, self.heaps, self._most)

    def in_order(self, key: Callable[[tuple[int, int]], tuple[bool, int]]) -> CodePointers:
        """The same, of whose heaps those are searched first whose `key` is lowest."""
        heaps = sorted(self.heaps, key=key)
        return CodePointers(self.words, self.runs, heaps, self._most)

    @property
    def limit(self) -> str:
        """What is not searched, in words; empty where all is."""
        if self._is_cut:
            return f"{MOST_POINTERS} addresses of code were looked at, and no more"
        if sum(end - start for start, end in self.heaps) <= self._most:
            return ""
        return f"{self._most >> 20} MiB of memory were searched, and no more"

    def holds(self, start: int, end: int) -> bool:
        """Whether [start, end) may be code."""
        index = bisect_right(self.runs, start, key=lambda run: run[0]) - 1
        return index >= 0 and end <= self.runs[index][1]

    def records(self, place: int, size: int) -> Iterator[tuple[int, bytes]]:
        """What may be records: each has an address of code, aligned as a word.

        Terabytes of memory that may be executed, as in a damaged core, take no longer than a page;
        `MOST_POINTERS` bounds what seems to lead there.

        Args:
            place: in a record, of that address, in bytes.
            size: of a record, likewise.

        Returns:
            The address of each, and its bytes; none of which some are not there.
        """
        left = MOST_POINTERS
        for piece, data in self._pieces() if self.runs else ():
            match = self._upper.search(data, _LOW)
            while match is not None:
                at = match.start() - _LOW
                at += -(piece + at) % _WORD
                if at == match.start() - _LOW:
                    value = int.from_bytes(data[at : at + _WORD], "little")
                    if self.holds(value, value + 1):
                        if not left:
                            self._is_cut = True
                            return
                        left -= 1
                        begin = at - place
                        if begin >= 0 and begin + size <= len(data):
                            yield piece + begin, data[begin : begin + size]
                        else:
                            with suppress(HoleError):
                                yield piece + begin, self.words.bytes(piece + begin, size)
                    at += _WORD
                match = self._upper.search(data, at + _LOW)

    def places(self, value: int) -> Iterator[int]:
        """The addresses of aligned words that are `value`."""
        wanted = struct.pack("<Q", value)
        for piece, data in self._pieces():
            at = data.find(wanted)
            while at >= 0:
                if (piece + at) % _WORD == 0:
                    yield piece + at
                at = data.find(wanted, at + 1)

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        left = self._most
        for start, end in self.heaps:
            yield from self.words.pieces(start, min(end, start + left))
            left -= min(left, end - start)

    @cached_property
    def _upper(self) -> re.Pattern[bytes]:
        """Finds the upper bytes of addresses of code, and of some others.

        Each byte is one of theirs: it is as long for terabytes as for a page, and as fast.
        """
        return re.compile(b"".join(map(self._one_of, range(_LOW, _WORD))), re.S)

    def _one_of(self, byte: int) -> bytes:
        """A pattern for one byte of an address of code, counted from the lowest."""
        values: set[int] = set()
        for start, end in self.runs:
            first, last = start >> 8 * byte, (end - 1) >> 8 * byte
            values.update(value & 0xFF for value in range(first, min(last, first + 0xFF) + 1))
            if len(values) > 0xFF:
                return b"."
        found = b"".join(re.escape(bytes([value])) for value in sorted(values))
        return found if len(values) == 1 else b"[" + found + b"]"


class Code(Protocol):
    """A piece of code."""

    @property
    def start(self) -> int:
        """Its first address."""

    @property
    def end(self) -> int:
        """One past its last address."""


C = TypeVar("C", bound=Code)


class CodeRecords(Generic[C]):
    """Pieces of code that have a record each, of one kind.

    Args:
        searched: memory of the process.
        place: in a record, of the address of its code, in bytes.
        size: bytes of a record.
    """

    def __init__(self, searched: CodePointers, place: int, size: int) -> None:
        self.searched = searched
        self._words = searched.words
        self._place = place
        self._size = size

    def at(self, pc: int) -> C | None:
        """The code that holds `pc`; None where none is known to."""
        for start, end, at in self._known:
            if start <= pc < end:
                found = self._read(at)
                if found is not None and found.start <= pc < found.end:
                    return found
        return None

    def all(self) -> Iterator[C]:
        """All code, in the order of addresses."""
        last = None
        for _, _, at in self._known:
            found = self._read(at)
            if found is not None and found.start != last:
                last = found.start
                yield found

    @property
    def limit(self) -> str:
        """What was not looked at, in words; empty where all was."""
        if len(self._known) >= MOST_RECORDS:
            return f"the first {MOST_RECORDS} of its records were looked at, and no more"
        return self.searched.limit

    def _span(self, data: bytes) -> tuple[int, int] | None:
        """Where the code of a record would begin, and its size; None of what is no record.

        Args:
            data: the record.
        """
        raise NotImplementedError

    def _read(self, at: int) -> C | None:
        """The code whose record is at `at`; None where none is."""
        raise NotImplementedError

    @cached_property
    def _known(self) -> list[tuple[int, int, int]]:
        """What may be records: where their code begins and ends, and their own addresses."""
        return sorted(islice(self._candidates(), MOST_RECORDS))

    def _candidates(self) -> Iterator[tuple[int, int, int]]:
        for at, data in self.searched.records(self._place, self._size):
            span = self._span(data)
            if span is None:
                continue
            start, size = span
            if size > 0 and start % _INSTRUCTION == 0 and self.searched.holds(start, start + size):
                yield start, start + size, at
