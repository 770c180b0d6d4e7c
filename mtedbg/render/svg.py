"""`CellMap` → SVG: a map of who owns memory, one colour a core.

A row of cells is one range of addresses; a cell of one kind is a filled square, one that mixes
kinds has the most frequent around the second. Readable on light and dark paper: colours are of
middle brightness, and text follows `prefers-color-scheme` where the viewer knows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from mtedbg.model.absent import Absent
from mtedbg.model.cell_map import KINDS, NOT_READ, NOT_TAGGED, CellMap, Strip
from mtedbg.model.memory import size_text
from mtedbg.model.pointer import GRANULE
from mtedbg.render import clean

SIDE = 8
"""Pixels of a cell."""

COLUMNS = 128
_LEFT, _MARGIN, _LINE, _LEGEND_COLUMNS = 150, 16, 18, 4
_WIDTH = _LEFT + COLUMNS * SIDE + _MARGIN
_LONGEST_NAME = 90
_INNER = 4
SHARED = "shared"

# By core id, or by tag without a runtime: distinguishable on white and on black, neighbours most.
COLORS = (
    *("#00897b", "#3b7dd8", "#f28e2b", "#43a047", "#e5484d", "#9b5de5", "#12a4c4", "#d6a800"),
    *("#9c6644", "#ff7eb6", "#3f51b5", "#7cb342", "#c2187a", "#607d00", "#b3541e", "#7a5c99"),
)
NEUTRAL = "#9aa3ad"

_STYLE = """
 text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#24292f}
 .dim{fill:#656d76}
 .title{font-size:15px;font-weight:600}
 .paper{fill:#ffffff}
 .frame{fill:none;stroke:#8b949e}
 @media (prefers-color-scheme:dark){
  text{fill:#e6edf3}.dim{fill:#9198a1}.paper{fill:#0d1117}
 }
"""

# Memory that shows no tag has no colour: dots where it is not tagged, lines where it is not known.
_PATTERNS = """<defs>
<pattern id="untagged" width="4" height="4" patternUnits="userSpaceOnUse">
<circle cx="2" cy="2" r="0.7" fill="#8b949e"/></pattern>
<pattern id="unread" width="4" height="4" patternUnits="userSpaceOnUse">
<path d="M-1 1l2-2M0 4l4-4M3 5l2-2" stroke="#8b949e"/></pattern>
</defs>"""


def render_svg(figure: CellMap, title: str) -> str:
    """A map of tagged memory as one SVG document.

    Args:
        figure: the map.
        title: the line above it.
    """
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
    SubElement(root, "title").text = clean(title)
    SubElement(root, "style").text = _STYLE + _fills(figure)
    root.append(fromstring(_PATTERNS))  # noqa: S314 - our own
    paper = SubElement(root, "rect", {"class": "paper", "width": str(_WIDTH)})
    _text(root, _MARGIN, 28, title, "title")
    _text(root, _MARGIN, 48, _scale(figure), "dim")
    top = _legend(root, figure, 66)
    for strip in figure.strips:
        top = _strip(root, strip, figure.cell, top + _LINE)
    height = str(top + _MARGIN)
    paper.set("height", height)
    root.set("width", str(_WIDTH))
    root.set("height", height)
    root.set("viewBox", f"0 0 {_WIDTH} {height}")
    return tostring(root, encoding="unicode") + "\n"


def _text(parent: Element, x: int, y: int, text: str, style: str = "", end: bool = False) -> None:
    """Writes `text`, which a process may have made up."""
    element = SubElement(parent, "text", {"x": str(x), "y": str(y)})
    if style:
        element.set("class", style)
    if end:
        element.set("text-anchor", "end")
    element.text = clean(text)


def _scale(figure: CellMap) -> str:
    return f"a cell is {size_text(figure.cell)}, a row {size_text(figure.cell * COLUMNS)}"


def _owner(figure: CellMap, kind: int) -> str | int | Absent:
    return figure.owners[kind] if kind < len(figure.owners) else ""


def _fills(figure: CellMap) -> str:
    rules = [f".k{NOT_TAGGED}{{fill:url(#untagged)}}", f".k{NOT_READ}{{fill:url(#unread)}}"]
    for tag in range(len(COLORS)):
        rules.append(f".k{tag}{{fill:{color_of(tag, _owner(figure, tag))}}}")
    return "".join(rules)


def color_of(tag: int, owner: str | int | Absent) -> str:
    """The colour of memory with a tag, by whose it is: shared memory has none of its own."""
    # Without a runtime tag 0 is memory that has not been tagged.
    neutral = owner == SHARED or (isinstance(owner, Absent) and tag == 0)
    return NEUTRAL if neutral else COLORS[tag]


def _label(figure: CellMap, kind: int) -> str:
    if kind == NOT_TAGGED:
        return "not tagged"
    if kind == NOT_READ:
        return "tags not here"
    owner = _owner(figure, kind)
    if isinstance(owner, Absent):
        return f"tag {kind}"
    return SHARED if owner == SHARED else f"core {owner}"


def _legend(root: Element, figure: CellMap, top: int) -> int:
    """What the colours mean, with how much there is of each; returns where it ends."""
    total = sum(figure.granules.values())
    kinds = sorted(figure.granules, key=lambda kind: (_owner(figure, kind) != SHARED, kind))
    entries: list[tuple[tuple[int, ...], str]] = [
        ((kind,), f"{_label(figure, kind)}  {_share(figure.granules[kind], total)}")
        for kind in kinds
    ]
    if mixed := _first_mixed(figure):
        entries.append((mixed[:2], "mixed: mostly the outer, next the inner"))
    width = (_WIDTH - 2 * _MARGIN) // _LEGEND_COLUMNS
    for number, (cell, words) in enumerate(entries):
        x = _MARGIN + number % _LEGEND_COLUMNS * width
        y = top + number // _LEGEND_COLUMNS * _LINE
        sample = SubElement(root, "g", {"transform": f"translate({x},{y})"})
        for inset, kind in zip((0, 3), cell, strict=False):
            _square(sample, kind, inset)
        _text(root, x + 18, y + 10, words)
    return top + -(-len(entries) // _LEGEND_COLUMNS) * _LINE


def _square(parent: Element, kind: int, inset: int) -> None:
    at, side = str(inset), str(12 - 2 * inset)
    place = {"x": at, "y": at, "width": side, "height": side}
    SubElement(parent, "rect", {"class": f"k{kind}", **place})


def _share(number: int, total: int) -> str:
    return f"{size_text(number * GRANULE)}, {100 * number / total:.1f} %"


def _first_mixed(figure: CellMap) -> tuple[int, ...]:
    return next((cell for strip in figure.strips for cell in strip.cells if len(cell) > 1), ())


def _strip(root: Element, strip: Strip, cell: int, top: int) -> int:
    """A mapping with its heading; returns where it ends."""
    row = cell * COLUMNS
    origin = strip.first // row * row
    rows = -(-(strip.end - origin) // row)
    _text(root, _MARGIN, top, _heading(strip))
    top += 8
    # A row's address at every fourth, but never two in one place.
    for number in range(0, rows, 4 if rows > 4 else 2):
        address = f"{origin + number * row:#x}"
        _text(root, _LEFT - 10, top + number * SIDE + 9, address, "dim", end=True)
    for kind, shapes in _shapes(strip, (strip.first - origin) // cell):
        place = {"d": shapes, "transform": f"translate({_LEFT},{top})"}
        SubElement(root, "path", {"class": f"k{kind}", "shape-rendering": "crispEdges", **place})
    width, height = str(COLUMNS * SIDE), str(rows * SIDE)
    place = {"x": str(_LEFT), "y": str(top), "width": width, "height": height}
    SubElement(root, "rect", {"class": "frame", **place})
    return top + rows * SIDE


def _heading(strip: Strip) -> str:
    name = strip.name or "anonymous"
    if len(name) > _LONGEST_NAME:
        name = "…" + name[-_LONGEST_NAME:]
    where = f"{strip.start:#x}-{strip.end:#x}"
    return f"{where}  {strip.perms}  {size_text(strip.end - strip.start)}  {name}"


def _shapes(strip: Strip, skip: int) -> Iterator[tuple[int, str]]:
    """The outlines of all cells of a kind, whole cells first, then what lies in them.

    Args:
        strip: what to draw.
        skip: cells of the first row that are before the mapping.
    """
    outer: list[list[str]] = [[] for _ in range(KINDS)]
    inner: list[list[str]] = [[] for _ in range(KINDS)]
    for number in range(-skip, len(strip.cells), COLUMNS):
        cells = strip.cells[max(number, 0) : number + COLUMNS]
        x, y = max(-number, 0) * SIDE, (number + skip) // COLUMNS * SIDE
        for kind, run in groupby(cells, key=lambda cell: cell[0] if cell else NOT_READ):
            width = len(list(run)) * SIDE
            outer[kind].append(f"M{x} {y}h{width}v{SIDE}h-{width}z")
            x += width
        x = max(-number, 0) * SIDE + (SIDE - _INNER) // 2
        for place, cell in enumerate(cells):
            if len(cell) > 1:
                at = f"M{x + place * SIDE} {y + (SIDE - _INNER) // 2}"
                inner[cell[1]].append(f"{at}h{_INNER}v{_INNER}h-{_INNER}z")
    for layer in (outer, inner):
        for kind, shapes in enumerate(layer):
            if shapes:
                yield kind, "".join(shapes)
