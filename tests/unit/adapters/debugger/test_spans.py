"""Cutting memory at the edges of mappings, and joining tags again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mtedbg.adapters.debugger.spans import NOT_TAGGED, UNMAPPED, by_region, hole_of, joined
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region, TagPiece

PAGE = 4096


def region(first: int, last: int, tagged: bool | Absent = True) -> Region:
    return Region(first * PAGE, last * PAGE, "rw-", "", tagged)


@st.composite
def layouts(draw: st.DrawFn) -> list[Region]:
    edges = sorted(draw(st.sets(st.integers(0, 40), max_size=12)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return [region(first, last) for first, last in pairs]


@given(layouts(), st.integers(0, 40), st.integers(1, 40))
def test_pieces_cover_the_span_and_each_lies_in_one_region(
    regions: list[Region], first: int, length: int
) -> None:
    start, end = first * PAGE, (first + length) * PAGE
    at = start
    for low, high, found in by_region(start, end, regions):
        assert low == at < high
        at = high
        holders = [each for each in regions if each.start < high and low < each.end]
        assert holders == ([found] if found else [])
        if found:
            assert found.start <= low
            assert high <= found.end
    assert at == end


def test_holes() -> None:
    unknown = Absent(Reason.UNKNOWN, "nobody says")
    assert hole_of(None) == UNMAPPED
    assert hole_of(region(0, 1, False)) == NOT_TAGGED
    assert hole_of(region(0, 1, unknown)) == unknown
    assert hole_of(region(0, 1, True)) is None


def test_neighbours_of_one_kind_are_one_piece() -> None:
    pieces = [
        TagPiece(0, 16, b"\1"),
        TagPiece(16, 48, b"\2\3"),
        TagPiece(48, 64, NOT_TAGGED),
        TagPiece(64, 80, NOT_TAGGED),
        TagPiece(80, 96, UNMAPPED),
        TagPiece(96, 112, b"\4"),
    ]
    assert joined(pieces) == [
        TagPiece(0, 48, b"\1\2\3"),
        TagPiece(48, 80, NOT_TAGGED),
        TagPiece(80, 96, UNMAPPED),
        TagPiece(96, 112, b"\4"),
    ]
