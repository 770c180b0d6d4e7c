"""Allocation tags as pictures: the granules around an address, and all tagged memory."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, present
from mtedbg.model.cell_map import CellMap
from mtedbg.model.figure import TagGrid
from mtedbg.model.pointer import GRANULE, granule_of
from mtedbg.render.svg import color_of, render_svg

MOST_ROWS = 32
_IN_ROW, _CELL, _LEFT, _HEIGHT = 16, 26, 150, 24
_ROW = _IN_ROW * GRANULE


@dataclass(frozen=True, slots=True)
class Square:
    """A granule.

    Attributes:
        x: pixels from the left.
        y: pixels from above, of its line.
        color: by its tag; empty where it has none.
        words: its tag, or why there is none.
    """

    x: int
    y: int
    color: str
    words: str


@dataclass(frozen=True, slots=True)
class GridLine:
    """Sixteen granules: their first address, pixels from above, and those that are known."""

    address: str
    y: int
    squares: tuple[Square, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """What `grid.html` draws.

    Attributes:
        title: what it shows.
        lines: in order of address.
        frame: around the granule of the address.
        height: in pixels.
        width: in pixels.
    """

    TEMPLATE: ClassVar[str] = "grid.html"
    SHOWS_ALL: ClassVar[bool] = True
    SIDES: ClassVar[tuple[int, int]] = (_CELL - 2, _HEIGHT - 2)
    DIGIT: ClassVar[float] = _CELL / 2 - 1

    title: str
    lines: tuple[GridLine, ...]
    frame: Square | None
    height: int
    width: int = _LEFT + _IN_ROW * _CELL


def grid(figure: TagGrid, title: str) -> Grid | None:
    """The tags around an address, 16 granules a line; None where none has a tag."""
    if not any(present(tag) for tag in figure.tags.values()):
        return None
    starts = sorted({_start_of_line(granule) for granule in figure.tags})[:MOST_ROWS]
    tops = {start: number * _HEIGHT for number, start in enumerate(starts)}
    framed = granule_of(figure.address)
    top = tops.get(_start_of_line(framed))
    return Grid(
        title or "Memory tags",
        tuple(GridLine(f"{at:#x}", y, tuple(_squares(figure, at, y))) for at, y in tops.items()),
        None if top is None else Square(_left(framed), top, "", f"{figure.address:#x}"),
        len(starts) * _HEIGHT + 2,
    )


def _start_of_line(granule: int) -> int:
    return granule // _ROW * _ROW


def _left(granule: int) -> int:
    return _LEFT + granule % _ROW // GRANULE * _CELL


def _squares(figure: TagGrid, start: int, y: int) -> Iterator[Square]:
    for granule in range(start, start + _ROW, GRANULE):
        tag = figure.tags.get(granule)
        if isinstance(tag, Absent):
            yield Square(_left(granule), y, "", str(tag))
        elif tag is not None:
            yield Square(_left(granule), y, color_of(tag, figure.owners[tag]), f"{tag:x}")


@dataclass(frozen=True, slots=True)
class Overview:
    """What `overview.html` draws: an image of its own, whose style stays in it.

    Attributes:
        title: what it shows.
        data: the image, SVG in base 64.
    """

    TEMPLATE: ClassVar[str] = "overview.html"
    SHOWS_ALL: ClassVar[bool] = False

    title: str
    data: str


def overview(figure: CellMap, title: str) -> Overview:
    """The map of all tagged memory."""
    data = b64encode(render_svg(figure, title).encode("utf-8", "replace")).decode()
    return Overview(title, data)
