"""The segments of address space that a core's program headers describe: sorted, never overlapping.

Whatever a header says is cut to what can be true: to the address space, to the file, to where the
next segment begins (so that one absurd size hides nothing else). Each kind of cut leaves a remark.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from mtedbg.adapters.file_bytes import FileBytes
from mtedbg.dataclass import dataclass, replace
from mtedbg.formats.buffer import Buffer
from mtedbg.formats.elf import ProgramHeader

ADDRESS_SPACE = 1 << 52
"""Linux on arm64 gives no address beyond to a process (arm64/memory.rst, 52-bit addresses)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of the process's memory.

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
    """All segments of one type, found by address."""

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
        segments: list[Segment] = []
        for header in headers:
            if header.memory_size == 0:
                continue
            if header.address + header.memory_size > ADDRESS_SPACE:
                impossible += 1
                continue
            size = max(0, min(header.file_size, len(data) - header.offset))
            cut += size < header.file_size
            end = header.address + header.memory_size
            segments.append(
                Segment(header.address, end, header.flags, header.offset, size, header.file_size)
            )
        if impossible:
            remarks.append(f"{impossible} {what} lie outside the address space: ignored")
        if cut:
            remarks.append(f"the file is truncated: contents of {cut} {what} are partly missing")
        self.ordered, overlapping = _without_overlaps(segments)
        if overlapping:
            remarks.append(f"{overlapping} {what} overlap the next: cut there")
        self._starts = [segment.start for segment in self.ordered]

    def at(self, address: int) -> Segment | None:
        """The segment that holds `address`."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0 and address < self.ordered[index].end:
            return self.ordered[index]
        return None

    def next_start(self, address: int) -> int:
        """Where the first segment after `address` begins; the end of all memory if none does."""
        index = bisect_right(self._starts, address)
        return self._starts[index] if index < len(self._starts) else ADDRESS_SPACE

    def pieces(self, start: int, end: int) -> Iterator[tuple[int, int, Segment | None]]:
        """[start, end) cut at the borders of segments, with None for what lies in none."""
        index = max(0, bisect_right(self._starts, start) - 1)
        while start < end:
            segment = self.ordered[index] if index < len(self.ordered) else None
            if segment is not None and segment.end <= start:
                index += 1
                continue
            if segment is None or segment.start >= end:
                yield start, end, None
                return
            if segment.start > start:
                yield start, segment.start, None
                start = segment.start
            stop = min(end, segment.end)
            yield start, stop, segment
            start = stop

    def contents(self, segment: Segment, first: int, last: int) -> bytes:
        """Bytes [first, last) of what the file holds for `segment`, shorter where it ends."""
        begin = segment.offset + min(first, segment.size)
        end = segment.offset + min(last, segment.size)
        return self._data[begin:end]

    def is_hole(self, segment: Segment, first: int, last: int) -> bool:
        """Whether bytes [first, last) of what the file holds for `segment` are a hole in it."""
        if last > segment.size or not isinstance(self._data, FileBytes):
            return False
        written = self._data.written(segment.offset + first, segment.offset + last)
        return next(written, None) is None

    def written(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of [start, end) that the file holds, holes of the file left out."""
        for first, last, segment in self.pieces(start, end):
            if segment is None or not segment.size:
                continue
            shift = segment.offset - segment.start
            stop = min(last, segment.start + segment.size)
            if not isinstance(self._data, FileBytes):
                yield first, stop
                continue
            for begin, done in self._data.written(first + shift, stop + shift):
                yield begin - shift, done - shift


def _without_overlaps(segments: list[Segment]) -> tuple[list[Segment], int]:
    kept: list[Segment] = []
    overlapping = 0
    for segment in sorted(segments, key=lambda s: s.start):
        last = kept[-1] if kept else None
        if last is not None and segment.start < last.end:
            overlapping += 1
            if segment.start == last.start:  # the first in the file stays
                continue
            kept[-1] = replace(last, end=segment.start)
        kept.append(segment)
    return kept, overlapping
