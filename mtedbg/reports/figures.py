"""What a page draws of a post-mortem's parts, from facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.span import Form, TagSpan
from mtedbg.errors import LayoutError
from mtedbg.model.absent import or_else, present
from mtedbg.model.figure import Mark, SegmentMap, TagGrid, ThreadAt, Timeline
from mtedbg.model.pointer import GRANULE

if TYPE_CHECKING:
    from mtedbg.analysis.code.segments import RuntimeSegments
    from mtedbg.analysis.memops.log import EventValue, LoggedEvent, RuntimeLog
    from mtedbg.session import Session

MOST_THREADS = 1 << 12


def tag_grid(found: TagSpan) -> TagGrid | None:
    """The tags around an address; None where none of it has a tag."""
    if found.form is not Form.MAP:
        return None
    tags = {
        granule: run.tag for run in found.runs for granule in range(run.start, run.end, GRANULE)
    }
    return TagGrid(found.address, tags, found.owners)


def timeline(found: Sequence[RuntimeLog]) -> Timeline:
    """The events of the flight recorder."""
    return Timeline(tuple(_mark(event) for one in found for event in one.events))


def _mark(event: LoggedEvent) -> Mark:
    """One event: "Patch memop 31 0xffff…: Local → Shared, core 1"."""
    words = [str(event.event)]
    words += [f"memop {event.memop}"] if present(event.memop) else []
    words += [f"{event.address:#x}"] if present(event.address) else []
    said = " ".join(words)
    if present(event.old) or present(event.new):
        said += f": {_value(event.old)} → {_value(event.new)}"
    if present(event.core):
        said += f", core {event.core}"
    return Mark(event.time, or_else(event.thread, 0), event.event, said)


def _value(value: EventValue) -> str:
    return str(value) if present(value) else "-"


def segment_map(session: Session, found: Sequence[RuntimeSegments]) -> SegmentMap | None:
    """Code segments, the blocks in them, and where threads stood; None without the blocks."""
    from mtedbg.analysis.code.blocks import blocks

    try:
        held = tuple(block for one in blocks(session) for block in one.blocks)
    except LayoutError:
        return None
    segments = tuple(segment for one in found for segment in one.segments)
    return SegmentMap(segments, held, tuple(_threads(session)))


def _threads(session: Session) -> Iterator[ThreadAt]:
    for thread in session.target.threads()[:MOST_THREADS]:
        pc = or_else(session.target.registers(thread), {}).get("pc")
        if pc is not None:
            yield ThreadAt(thread.number, session.strip(pc))
