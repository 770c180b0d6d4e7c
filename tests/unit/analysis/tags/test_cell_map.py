"""The map of owners: from the tags that the histogram counts, each read once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtedbg.analysis.tags.cell_map import MOST_CELLS, MOST_STRIPS, CellMapBuilder
from mtedbg.analysis.tags.regions import tagged_mappings
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.cell_map import NOT_READ, NOT_TAGGED, CellMap
from mtedbg.model.memory import Region, TagPiece
from mtedbg.session import Session
from tests.support.fake import FakeTarget

START = 0x7F0000000000
OWNERS = ("shared", *range(1, 16))


class CountingTarget(FakeTarget):
    """Notes which tags were asked for."""

    def __init__(self, **layout):
        super().__init__(**layout)
        self.asked = []

    def read_tags(self, start, end):
        self.asked += range(start, end, 4096)
        return super().read_tags(start, end)


def built(mappings: list[Region], *pieces: TagPiece) -> CellMap:
    builder = CellMapBuilder(mappings)
    for piece in pieces:
        region = next(one for one in mappings if one.start <= piece.start < one.end)
        builder.add(region, piece)
    return builder.build(OWNERS)


def region(size: int, start: int = START) -> Region:
    return Region(start, start + size, "rw-", "", tagged=True)


def test_no_page_is_read_twice_and_the_histogram_is_the_same():
    tags = bytes(n // 256 % 16 for n in range(1 << 16))
    layout = {"tags": {START: tags}, "mappings": [region(16 * len(tags))]}
    target = CountingTarget(**layout)
    drawn = tagged_mappings(Session(target), figure=True)
    assert sorted(target.asked) == sorted(set(target.asked))
    plain = tagged_mappings(Session(FakeTarget(**layout)))
    assert (drawn.mappings, plain.cell_map) == (plain.mappings, None)
    assert drawn.cell_map.granules == dict.fromkeys(range(16), 4096)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 3000)), min_size=1, max_size=40))
def test_every_granule_is_in_its_cell(runs):
    tags = b"".join(bytes([tag]) * length for tag, length in runs)
    figure = built([region(16 * len(tags))], TagPiece(START, START + 16 * len(tags), tags))
    per_cell = figure.cell // 16
    (strip,) = figure.strips
    for number, cell in enumerate(strip.cells):
        part = tags[number * per_cell : (number + 1) * per_cell]
        assert set(cell) == set(part)
        assert part.count(cell[0]) == max(part.count(tag) for tag in set(part))


@pytest.mark.parametrize("size", [16, 4096, 64 << 20, 1 << 40, 1 << 51])
def test_the_number_of_cells_is_bounded(size):
    figure = built([region(size)])
    assert len(figure.strips[0].cells) <= MOST_CELLS + 2
    assert figure.cell & (figure.cell - 1) == 0


def test_holes_are_told_apart():
    hole = TagPiece(START, START + 4096, Absent(Reason.NOT_DUMPED))
    none = TagPiece(START + 4096, START + 8192, Absent(Reason.NOT_TAGGED))
    figure = built([region(8192)], hole, none)
    assert figure.granules == {NOT_READ: 256, NOT_TAGGED: 256}


def test_a_mapping_in_the_middle_of_a_cell():
    whole = region(64 << 20, START + 0x3000)
    tags = bytes([5]) * ((64 << 20) // 16)
    figure = built([whole], TagPiece(whole.start, whole.end, tags))
    (strip,) = figure.strips
    assert strip.first == whole.start // figure.cell * figure.cell
    assert set(strip.cells) == {(5,)}


def test_the_largest_mappings_are_shown():
    many = [region(4096 * (1 + n % 3), START + (n << 20)) for n in range(MOST_STRIPS + 5)]
    figure = built(many)
    assert (len(figure.strips), figure.left_out) == (MOST_STRIPS, 5)
    starts = [strip.start for strip in figure.strips]
    assert starts == sorted(starts)
    assert {4096} >= {one.end - one.start for one in many if one.start not in starts}
