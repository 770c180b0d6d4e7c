"""Allocation tags as pictures: the granules around an address, and all tagged memory."""

from __future__ import annotations

from base64 import b64encode

from mtedbg.model.absent import Absent
from mtedbg.model.pointer import GRANULE, granule_of
from mtedbg.render.html_body import scrolling, text
from mtedbg.render.svg import COLORS, NEUTRAL, SHARED, render_svg
from mtedbg.report import Report

MOST_ROWS = 32
_IN_ROW, _CELL, _LEFT, _HEIGHT = 16, 26, 150, 24
_ROW = _IN_ROW * GRANULE


def grid(report: Report, address: int | None) -> str:
    """The tags in the rows of `mte-tags`, 16 granules a line.

    Args:
        report: of `mte-tags`.
        address: whose granule is framed; None for none.
    """
    tags = _tags(report)
    if not any(isinstance(tag, int) for tag in tags.values()):
        return ""
    owned = {row["tag"]: row["owner"] for row in report.rows if isinstance(row["tag"], int)}
    shared = next((tag for tag, owner in owned.items() if owner == SHARED), 0)
    rows = sorted({granule // _ROW * _ROW for granule in tags})[:MOST_ROWS]
    shapes: list[str] = []
    for line, row in enumerate(rows):
        y = line * _HEIGHT
        shapes.append(f'<text x="8" y="{y + 16}" class="dim">{row:#x}</text>')
        for number in range(_IN_ROW):
            tag = tags.get(row + number * GRANULE)
            shapes.append(_granule(tag, _LEFT + number * _CELL, y, neutral=tag == shared))
    if address is not None and granule_of(address) // _ROW * _ROW in rows:
        y = rows.index(granule_of(address) // _ROW * _ROW) * _HEIGHT
        x = _LEFT + granule_of(address) % _ROW // GRANULE * _CELL
        frame = f'x="{x}" y="{y + 1}" width="{_CELL - 2}" height="{_HEIGHT - 2}"'
        shapes.append(f'<rect class="frame" {frame}><title>{address:#x}</title></rect>')
    size = f'viewBox="0 0 {_LEFT + _IN_ROW * _CELL} {len(rows) * _HEIGHT + 2}"'
    title = report.headline or "Memory tags"
    svg = (
        f'<svg class="grid" xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        f"<title>{text(title)}</title>{''.join(shapes)}</svg>"
    )
    return f"<figure>{scrolling(svg, title)}</figure>"


def _tags(report: Report) -> dict[int, int | Absent]:
    """Each granule's tag by its address, of as many as are drawn."""
    found: dict[int, int | Absent] = {}
    for row in report.rows:
        start, end, tag = row["start"], row["end"], row["tag"]
        if not isinstance(start, int) or not isinstance(end, int):
            continue
        for granule in range(start, end, GRANULE):
            if len(found) >= MOST_ROWS * _IN_ROW:
                return found
            if isinstance(tag, int | Absent):
                found[granule] = tag
    return found


def _granule(tag: int | Absent | None, x: int, y: int, *, neutral: bool) -> str:
    place = f'x="{x}" y="{y + 1}" width="{_CELL - 2}" height="{_HEIGHT - 2}"'
    if tag is None:
        return ""
    if isinstance(tag, Absent):
        return f'<rect class="none" {place}><title>{text(str(tag))}</title></rect>'
    digit = f'<text class="digit" x="{x + _CELL / 2 - 1}" y="{y + 16}">{tag:x}</text>'
    return f'<rect {place} fill="{NEUTRAL if neutral else COLORS[tag]}"/>{digit}'


def overview(report: Report) -> str:
    """The figure of `mte-regions`, as an image of its own: its style stays in it."""
    figure = report.answer.figure
    if figure is None:
        return ""
    data = b64encode(render_svg(figure, report.headline).encode("utf-8", "replace")).decode()
    image = f'<img alt="{text(report.headline)}" src="data:image/svg+xml;base64,{data}">'
    return f"<figure>{scrolling(image, report.headline or 'Tagged memory')}</figure>"
