"""What a page draws of a post-mortem's parts, from facts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.span import Form, TagSpan
from mtedbg.decode.code.code_map import CODE_MAP, RETIRED, SEGMENTS
from mtedbg.errors import LayoutError
from mtedbg.model.absent import Absent, or_else
from mtedbg.model.code import Block, Segment
from mtedbg.model.figure import Mark, SegmentMap, TagGrid, ThreadAt, Timeline
from mtedbg.model.pointer import GRANULE
from mtedbg.report import Answer, Kind, Row, rows_of

if TYPE_CHECKING:
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


def timeline(answer: Answer) -> Timeline:  # TRANSITION: of rows
    """The events of `memop-log`."""
    return Timeline(tuple(_mark(row) for row in rows_of(answer.body)))


def _mark(row: Row) -> Mark:
    from mtedbg.render.text import cell

    time, thread = row["time"], row["thread"]
    words = [str(row["event"])]
    if not isinstance(row["memop"], Absent):
        words.append(f"memop {row['memop']}")
    if not isinstance(row["address"], Absent):
        words.append(cell(row["address"], Kind.ADDRESS))
    said = " ".join(words)
    if not isinstance(row["old"], Absent) or not isinstance(row["new"], Absent):
        said += f": {cell(row['old'], Kind.TEXT)} → {cell(row['new'], Kind.TEXT)}"
    if not isinstance(row["core"], Absent):
        said += f", core {row['core']}"
    assert isinstance(time, int)
    return Mark(time, thread if isinstance(thread, int) else 0, str(row["event"]), said)


def segment_map(session: Session) -> SegmentMap:
    """The code segments, their blocks, and where threads stood."""
    segments: list[Segment] = []
    blocks: list[Block] = []
    for runtime in session.readable_runtimes():
        with suppress(LayoutError):
            segments += or_else(runtime.rows(SEGMENTS, Segment), ())
            blocks += or_else(runtime.rows(CODE_MAP, Block), ())
            blocks += or_else(runtime.rows(RETIRED, Block), ())
    return SegmentMap(tuple(segments), tuple(blocks), tuple(_threads(session)))


def _threads(session: Session) -> Iterator[ThreadAt]:
    for thread in session.target.threads()[:MOST_THREADS]:
        pc = or_else(session.target.registers(thread), {}).get("pc")
        if pc is not None:
            yield ThreadAt(thread.number, session.strip(pc))
