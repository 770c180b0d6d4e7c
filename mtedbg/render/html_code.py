"""The code map as a picture: a bar a segment, its blocks in it, and where threads stood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mtedbg.model.memory import size_text
from mtedbg.render.html_body import text
from mtedbg.render.html_draw import drawing, label, legend, percent
from mtedbg.report import Report, Row

MOST_SEGMENTS = 32
MOST_BLOCKS = 1 << 12
_HEIGHT, _BAR, _TOP = 62, 22, 20
_KINDS = ("SharedStubs", "BaselineTier", "OptimizedTier", "LazyStubs")
_GONE = ("Retired", "Unmapped")
_PC = "M-5-6H5L0 4z"


def code_map(segments: Report, blocks: Report, threads: Report | None) -> str:
    """The picture of `jit-segments` and `jit-blocks`; nothing where there is no segment.

    Args:
        segments: of the runtime.
        blocks: of the runtime, sorted or not.
        threads: with their PCs; None where they are not known.
    """
    shown = [row for row in segments.rows[:MOST_SEGMENTS] if _int(row, "capacity")]
    if not shown:
        return ""
    shapes: list[str] = []
    for number, segment in enumerate(shown):
        shapes += _segment(segment, blocks.rows, threads.rows if threads else (), number * _HEIGHT)
    kinds = {str(row["kind"]) for row in blocks.rows}
    entries = [(f'<rect class="{kind}" width="12" height="12"/>', kind) for kind in _KINDS]
    entries = [entry for entry in entries if entry[1] in kinds]
    entries.append(('<rect class="free" width="12" height="12"/>', "not used"))
    entries.append((f'<path class="pc" transform="translate(6,7)" d="{_PC}"/>', "a thread's PC"))
    title = f"{len(shown)} code segments with {len(blocks.rows)} blocks"
    notes = ""
    if len(blocks.rows) > MOST_BLOCKS:
        notes = f'<p class="note">the first {MOST_BLOCKS} blocks are drawn</p>'
    picture = drawing("code", len(shown) * _HEIGHT, shapes, title)
    return f"<figure>{picture}{legend(entries)}{notes}</figure>"


def _int(row: Row, key: str) -> int:
    value = row.get(key)
    return value if isinstance(value, int) else 0


def _segment(
    segment: Row, blocks: Sequence[Row], threads: Sequence[Row], top: int
) -> Iterator[str]:
    base, capacity, used = (_int(segment, key) for key in ("base", "capacity", "used"))
    # Most of a segment is mostly free: what is used takes nearly all of the bar.
    extent = min(capacity, max(used + used // 16, 4096)) if used else capacity
    y = top + _TOP
    yield label(0.0, top + 13, f"{base:#x}, {size_text(used)} of {size_text(capacity)} used")
    yield f'<rect class="free" x="0" y="{y}" width="100%" height="{_BAR}"/>'
    for block in blocks[:MOST_BLOCKS]:
        start = _int(block, "base") - base
        if 0 <= start < extent:
            yield _block(
                block, start / extent, min(_int(block, "size"), extent - start) / extent, y
            )
    yield from _pcs(threads, base, extent, y)
    if extent < capacity:
        yield label(1.0, y + _BAR + 12, f"{size_text(capacity - extent)} more, not used", "dim")


def _block(block: Row, x: float, width: float, y: int) -> str:
    kind = str(block["kind"])
    names = kind if kind in _KINDS else "Other"
    names += " retired" if block["state"] in _GONE else ""
    words = f"block {block['id']}, {kind}, {block['state']}: {_int(block, 'base'):#x}"
    words += f", {size_text(_int(block, 'size'))}"
    return (
        f'<rect class="{names}" x="{percent(x)}" y="{y}" width="{percent(width)}" height="{_BAR}">'
        f"<title>{text(words)}</title></rect>"
    )


def _pcs(threads: Sequence[Mapping[str, object]], base: int, extent: int, y: int) -> Iterator[str]:
    for thread in threads:
        pc = thread.get("pc")
        if isinstance(pc, int) and base <= pc < base + extent:
            words = text(f"thread {thread['thread']}: {pc:#x}")
            x = percent((pc - base) / extent)
            mark = f'<path class="pc" d="{_PC}"><title>{words}</title></path>'
            yield f'<svg x="{x}" y="{y}" overflow="visible">{mark}</svg>'
