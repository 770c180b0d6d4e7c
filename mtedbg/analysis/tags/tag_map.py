"""The picture of allocation tags: 16 granules a line, as HWASan and debuggerd draw it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import TagPiece
from mtedbg.model.pointer import GRANULE, granule_of, logical_tag
from mtedbg.report import Line, Span

GRANULES_A_ROW = 16
ROW = GRANULES_A_ROW * GRANULE
"""Bytes of memory that one line shows."""

_NOT_TAGGED = "."
_NOT_THERE = "?"


@dataclass(frozen=True, slots=True)
class TagMap:
    """Lines to draw, and what has to be said below them."""

    lines: tuple[Line, ...]
    legend: str


def row_of(address: int) -> int:
    """The first address of the line that shows `address`."""
    return address & ~(ROW - 1)


def symbol(tag: int | Absent) -> str:
    """One character for a granule."""
    if isinstance(tag, Absent):
        return _NOT_TAGGED if tag.reason is Reason.NOT_TAGGED else _NOT_THERE
    return f"{tag:x}"


def by_granule(pieces: Iterable[TagPiece]) -> dict[int, int | Absent]:
    """Each granule's tag by its address; for the few that a picture shows."""
    tags: dict[int, int | Absent] = {}
    for piece in pieces:
        for number in range(piece.granules):
            tag = piece.tags if isinstance(piece.tags, Absent) else piece.tags[number]
            tags[piece.start + number * GRANULE] = tag
    return tags


def _line(row: int, tags: Mapping[int, int | Absent], marked: int, pointer_tag: int) -> Line:
    here = row == row_of(marked)
    spans = [Span("=> " if here else "   ", "mark"), Span(f"{row:#x} ", "address")]
    for granule in range(row, row + ROW, GRANULE):
        left = "[" if granule == marked else "]" if granule - GRANULE == marked and here else " "
        spans.append(Span(left, "mark" if left != " " else ""))
        tag = tags.get(granule)
        if tag is None:
            spans.append(Span(" "))
        elif isinstance(tag, Absent):
            spans.append(Span(symbol(tag), "dim"))
        else:
            role = "tag-match" if tag == pointer_tag else ""
            if granule == marked and tag != pointer_tag:
                role = "tag-mismatch"
            spans.append(Span(symbol(tag), role))
    if marked == row + ROW - GRANULE:
        spans.append(Span("]", "mark"))
    return tuple(spans)


def draw(tags: Mapping[int, int | Absent], pointer: int, address: int) -> TagMap:
    """The picture of `tags`.

    Args:
        tags: each granule's tag by its address.
        pointer: what the user gave, for its logical tag.
        address: the same without tag and PAC bits; its granule is marked.
    """
    rows = sorted({row_of(granule) for granule in tags})
    marked = granule_of(address)
    lines = tuple(_line(row, tags, marked, logical_tag(pointer)) for row in rows)
    return TagMap(lines, _legend(tags))


def _legend(tags: Mapping[int, int | Absent]) -> str:
    reasons: dict[str, set[str]] = {}
    for tag in tags.values():
        if isinstance(tag, Absent):
            reasons.setdefault(symbol(tag), set()).add(str(tag))
    return ", ".join(f"{mark} {' or '.join(sorted(why))}" for mark, why in sorted(reasons.items()))
