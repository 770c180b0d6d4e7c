"""The stretches of address space that a core's program headers describe: sorted, never overlapping.

Whatever a header says is cut to what can be true: to the address space, to the file, to where the
next stretch begins (so that one absurd size hides nothing else). Each kind of cut leaves a remark.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mtedbg.adapters.mapped import MappedFile
from mtedbg.formats.buffer import Buffer
from mtedbg.formats.elf import ProgramHeader

LARGE = 1 << 18
"""Bytes that are not kept in memory once they were read: a scan goes over all of a file."""

ADDRESS_SPACE = 1 << 52
"""Linux on arm64 gives no address beyond to a process (arm64/memory.rst, 52-bit addresses)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of the process's memory.

    Attributes:
        start: first address.
        end: one past the last address.
        flags: PF_R, PF_W, PF_X.
        offset: where its contents begin in the file.
        size: bytes of contents that the file really holds.
        promised: bytes of contents that the header says it holds.
    """

    start: int
    end: int
    flags: int
    offset: int
    size: int
    promised: int


class Segments:
    """All stretches of one type, found by address."""

    def __init__(
        self, data: Buffer, headers: Iterable[ProgramHeader], what: str, remarks: list[str]
    ) -> None:
        """Takes the headers of one type.

        Args:
            data: the core.
            headers: as the file has them.
            what: their name in remarks, "memory segments".
            remarks: gets one line for each kind of damage.
        """
        self._data = data
        impossible = cut = 0
        stretches: list[Stretch] = []
        for header in headers:
            if header.memory_size == 0:
                continue
            if header.address + header.memory_size > ADDRESS_SPACE:
                impossible += 1
                continue
            size = max(0, min(header.file_size, len(data) - header.offset))
            cut += size < header.file_size
            end = header.address + header.memory_size
            stretches.append(
                Stretch(header.address, end, header.flags, header.offset, size, header.file_size)
            )
        if impossible:
            remarks.append(f"{impossible} {what} lie outside the address space: ignored")
        if cut:
            remarks.append(f"the file is truncated: contents of {cut} {what} are missing in part")
        self.stretches, overlapping = _without_overlaps(stretches)
        if overlapping:
            remarks.append(f"{overlapping} {what} overlap the next: cut there")
        self._starts = [stretch.start for stretch in self.stretches]

    def at(self, address: int) -> Stretch | None:
        """The stretch that holds `address`."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.stretches[index].end:
            return self.stretches[index]
        return None

    def next_start(self, address: int) -> int:
        """Where the first stretch after `address` begins; the end of all memory if none does."""
        index = bisect_right(self._starts, address)
        return self._starts[index] if index < len(self._starts) else ADDRESS_SPACE

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, Stretch | None]]:
        """[start, end) cut at the borders of stretches, with None for what lies in none."""
        index = max(0, bisect_right(self._starts, start) - 1)
        while start < end:
            stretch = self.stretches[index] if index < len(self.stretches) else None
            if stretch is not None and stretch.end <= start:
                index += 1
                continue
            if stretch is None or stretch.start >= end:
                yield start, end, None
                return
            if stretch.start > start:
                yield start, stretch.start, None
                start = stretch.start
            stop = min(end, stretch.end)
            yield start, stop, stretch
            start = stop

    def contents(self, stretch: Stretch, first: int, last: int) -> bytes:
        """Bytes [first, last) of what the file holds for `stretch`, shorter where it ends."""
        begin = stretch.offset + min(first, stretch.size)
        end = stretch.offset + min(last, stretch.size)
        contents = self._data[begin:end]
        if end - begin >= LARGE and isinstance(self._data, MappedFile):
            self._data.forget(begin, end)
        return contents

    def written(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of [start, end) that the file holds, holes of the file left out."""
        for first, last, stretch in self.pieces(start, end):
            if stretch is None or not stretch.size:
                continue
            shift = stretch.offset - stretch.start
            stop = min(last, stretch.start + stretch.size)
            if not isinstance(self._data, MappedFile):
                yield first, stop
                continue
            for begin, done in self._data.written(first + shift, stop + shift):
                yield begin - shift, done - shift


def _without_overlaps(stretches: list[Stretch]) -> tuple[list[Stretch], int]:
    kept: list[Stretch] = []
    overlapping = 0
    for stretch in sorted(stretches, key=lambda s: s.start):
        last = kept[-1] if kept else None
        if last is not None and stretch.start < last.end:
            overlapping += 1
            if stretch.start == last.start:  # the first in the file stays
                continue
            kept[-1] = replace(last, end=stretch.start)
        kept.append(stretch)
    return kept, overlapping
