"""Builds a `CellMap` from tags as they are read for something else: nothing is read for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.cell_map import NOT_READ, NOT_TAGGED, CellMap, Strip
from mtedbg.model.memory import ZERO_TAGS, Region, TagPiece
from mtedbg.model.pointer import GRANULE

MOST_CELLS = 1 << 14
"""Of a map, and at most two more for each mapping: its first and last may be cut."""

MOST_STRIPS = 64
"""Mappings that a map shows, the largest."""

_TAGS = range(16)


class CellMapBuilder:
    """Takes tags piece by piece, each mapping in order of address.

    Args:
        regions: all the mappings that will be read.
    """

    def __init__(self, regions: Sequence[Region]) -> None:
        largest = sorted(regions, key=lambda each: each.start - each.end)[:MOST_STRIPS]
        self._cell = _cell_size(sum(region.end - region.start for region in largest))
        self._strips = {region.start: _StripBuilder(region, self._cell) for region in largest}
        self._left_out = len(regions) - len(largest)

    def add(self, region: Region, piece: TagPiece) -> None:
        """Takes the tags of a part of `region`, or why there are none."""
        if strip := self._strips.get(region.start):
            strip.add(piece)

    def build(self, owners: tuple[str | int | Absent, ...]) -> CellMap:
        """The map, with whose each of the sixteen tags is."""
        strips = [self._strips[start] for start in sorted(self._strips)]
        granules: Counter[int] = Counter()
        for strip in strips:
            granules += strip.granules
        built = tuple(strip.build() for strip in strips)
        return CellMap(self._cell, built, owners, granules, self._left_out)


def _cell_size(total: int) -> int:
    """The smallest power of two by which `total` bytes take no more than `MOST_CELLS`."""
    return max(GRANULE, 1 << (max(total - 1, 0) // MOST_CELLS).bit_length())


class _StripBuilder:
    def __init__(self, region: Region, cell: int) -> None:
        self._region = region
        self._cell = cell
        self._first = region.start // cell * cell
        count = (region.end - self._first + cell - 1) // cell
        self._cells: list[Counter[int]] = [Counter() for _ in range(count)]

    @property
    def granules(self) -> Counter[int]:
        """How many there are of each kind."""
        total: Counter[int] = Counter()
        for cell in self._cells:
            total.update(cell)
        return total

    def add(self, piece: TagPiece) -> None:
        for index, low, high in self._cut(piece):
            if isinstance(piece.tags, Absent):
                kind = NOT_TAGGED if piece.tags.reason is Reason.NOT_TAGGED else NOT_READ
                self._cells[index][kind] += (high - low) // GRANULE
                continue
            if piece.tags is ZERO_TAGS:
                self._cells[index][0] += (high - low) // GRANULE
                continue
            start = piece.start
            self._count(index, piece.tags[(low - start) // GRANULE : (high - start) // GRANULE])

    def _cut(self, piece: TagPiece) -> Iterator[tuple[int, int, int]]:
        """The piece at the borders of cells: number, first address and end."""
        at, end = max(piece.start, self._region.start), min(piece.end, self._region.end)
        while at < end:
            index = (at - self._first) // self._cell
            stop = min(self._first + (index + 1) * self._cell, end)
            yield index, at, stop
            at = stop

    def _count(self, index: int, tags: bytes) -> None:
        cell = self._cells[index]
        if tags.count(tags[0]) == len(tags):  # most are of one owner
            cell[tags[0]] += len(tags)
            return
        for tag in _TAGS:
            if number := tags.count(tag):
                cell[tag] += number

    def build(self) -> Strip:
        region = self._region
        cells = tuple(tuple(kind for kind, _ in cell.most_common()) for cell in self._cells)
        return Strip(region.start, region.end, region.perms, region.name, self._first, cells)
