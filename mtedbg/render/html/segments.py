"""The code map as a picture: a bar a segment, its blocks in it, and where threads stood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import or_else
from mtedbg.model.code import Block, Segment
from mtedbg.model.figure import SegmentMap, ThreadAt
from mtedbg.model.memory import size_text
from mtedbg.model.words import counted
from mtedbg.render.html.geometry import Label, label, percent

MOST_SEGMENTS = 32
MOST_BLOCKS = 1 << 12
_HEIGHT, _BAR, _TOP = 62, 22, 20
_KINDS = ("SharedStubs", "BaselineTier", "OptimizedTier", "LazyStubs")
_GONE = ("Retired", "Unmapped")


@dataclass(frozen=True, slots=True)
class Bar:
    """A block: its classes, where it begins, how long it is, and its words."""

    style: str
    x: str
    width: str
    words: str


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a thread stood, and its words."""

    x: str
    words: str


@dataclass(frozen=True, slots=True)
class SegmentBar:
    """A segment.

    Attributes:
        y: pixels from above.
        heading: where it is, and how full.
        rest: what is not shown of it; None where all is.
        blocks: in it.
        threads: in it.
    """

    y: int
    heading: Label
    rest: Label | None
    blocks: tuple[Bar, ...]
    threads: tuple[Stand, ...]


@dataclass(frozen=True, slots=True)
class SegmentDrawing:
    """What `segments.html` draws.

    Attributes:
        title: what it shows.
        height: in pixels.
        segments: its bars.
        kinds: of blocks that there are, for the legend.
        note: what is not drawn; may be empty.
        bar: pixels that a segment is high.
    """

    TEMPLATE: ClassVar[str] = "segments.html"
    SHOWS_ALL: ClassVar[bool] = False

    title: str
    height: int
    segments: tuple[SegmentBar, ...]
    kinds: tuple[str, ...]
    note: str
    bar: int = _BAR


def segment_drawing(figure: SegmentMap) -> SegmentDrawing | None:
    """The picture of segments and their blocks; None where there is no segment."""
    shown = [segment for segment in figure.segments[:MOST_SEGMENTS] if segment.capacity]
    if not shown:
        return None
    kinds = {block.kind for block in figure.blocks}
    cut = len(figure.blocks) > MOST_BLOCKS
    return SegmentDrawing(
        f"{counted(len(shown), 'code segment')} with {counted(len(figure.blocks), 'block')}",
        len(shown) * _HEIGHT,
        tuple(_segment(segment, figure, n * _HEIGHT) for n, segment in enumerate(shown)),
        tuple(kind for kind in _KINDS if kind in kinds),
        f"the first {MOST_BLOCKS} blocks are drawn" if cut else "",
    )


def _segment(segment: Segment, figure: SegmentMap, top: int) -> SegmentBar:
    base, capacity, used = segment.base, segment.capacity, or_else(segment.used, 0)
    # Most of a segment is mostly free: what is used takes nearly all of the bar.
    extent = min(capacity, max(used + used // 16, 4096)) if used else capacity
    y = top + _TOP
    words = f"{base:#x}, {size_text(used)} of {size_text(capacity)} used"
    rest = f"{size_text(capacity - extent)} more, not used"
    return SegmentBar(
        y,
        label(0.0, top + 13, words),
        label(1.0, y + _BAR + 12, rest, "dim") if extent < capacity else None,
        tuple(_bars(figure.blocks[:MOST_BLOCKS], base, extent)),
        tuple(_stands(figure.threads, base, extent)),
    )


def _bars(blocks: Sequence[Block], base: int, extent: int) -> Iterator[Bar]:
    for block in blocks:
        start = block.base - base
        if 0 <= start < extent:
            style = block.kind if block.kind in _KINDS else "Other"
            style += " retired" if block.state in _GONE else ""
            words = f"block {block.id}, {block.kind}, {block.state}: {block.base:#x}"
            words += f", {size_text(block.length)}"
            length = min(block.length, extent - start)
            yield Bar(style, percent(start / extent), percent(length / extent), words)


def _stands(threads: Sequence[ThreadAt], base: int, extent: int) -> Iterator[Stand]:
    for thread in threads:
        if base <= thread.pc < base + extent:
            words = f"thread {thread.number}: {thread.pc:#x}"
            yield Stand(percent((thread.pc - base) / extent), words)
