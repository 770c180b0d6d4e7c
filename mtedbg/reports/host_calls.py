"""The host's call chain of a thread."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

from mtedbg.analysis.stacks.host_calls import FrameKind, How
from mtedbg.model.absent import Absent, Reason, or_else, then
from mtedbg.report import Answer, Column, Kind, Line, Row, Span, Table

if TYPE_CHECKING:
    from mtedbg.analysis.stacks.host_calls import HostCalls, HostFrame
    from mtedbg.model.source import InlinedCall, SourceLine

NAME = "host-calls"
COLUMNS = (
    Column("level", Kind.COUNT, "0 is the innermost"),
    Column("pc", Kind.ADDRESS, "the PC, or the return address"),
    Column(
        "kind",
        Kind.TEXT,
        '"host", "inlined" into the next, "jit", "signal" frame, "interrupted" by it, or a "guess"',
    ),
    Column("function", Kind.TEXT, "the function that contains it"),
    Column("file", Kind.TEXT, "the file that is mapped there"),
    Column(
        "how",
        Kind.TEXT,
        'what it was found by: "registers", "CFI" (call frame information), "frame record" (x29),'
        ' "link register" (x30), "signal frame", or the "runtime"',
    ),
    Column("source", Kind.TEXT, "file and line of source, as debug information has them"),
    Column("cfa", Kind.ADDRESS, "canonical frame address: sp before the call of the function"),
)
INLINED = "inlined"
UNKNOWN_SOURCE = Absent(Reason.UNKNOWN)


def answer(found: HostCalls | Absent) -> Answer:
    """The frames as rows and lines, and why the chain ends."""
    if isinstance(found, Absent):
        return Answer(notes=(f"registers: {found}",))
    rows: list[Row] = []
    lines: list[Line] = []
    levels = count()
    for frame in found.frames:
        for call in frame.inlined:
            level = next(levels)
            rows.append(_inlined_row(level, frame, call))
            lines.append(_line(level, frame, call.function, INLINED, call.source))
        level = next(levels)
        rows.append(_row(level, frame))
        kind = "" if frame.kind is FrameKind.HOST else frame.kind.value
        source = or_else(frame.source, None)
        lines.append(_line(level, frame, frame.function, kind, source))
    return Answer(Table(tuple(rows), tuple(lines)), notes=tuple(_notes(found)))


def _notes(found: HostCalls) -> Iterator[str]:
    if found.end:
        yield f"the chain ends: {found.end}"
    if any(frame.kind is FrameKind.HYPOTHESIS for frame in found.frames):
        yield "guessed from x30, which may be stale"
    yield from found.remarks
    by_record = [frame for frame in found.frames if frame.how is How.RECORD]
    if by_record:
        which = f"{len(by_record)} of {len(found.frames)} frames are"
        which = "all callers are" if len(by_record) == len(found.frames) - 1 else which
        yield f"{which} from frame records (x29): functions that keep none are left out"


def _row(level: int, frame: HostFrame) -> Row:
    return {
        "level": level,
        "pc": frame.pc,
        "kind": frame.kind.value,
        "function": frame.function,
        "file": frame.file,
        "how": frame.how.value,
        "source": then(frame.source, str),
        "cfa": frame.cfa,
    }


def _inlined_row(level: int, frame: HostFrame, call: InlinedCall) -> Row:
    row = {**_row(level, frame), "kind": INLINED, "function": call.function}
    return {**row, "source": str(call.source) if call.source else UNKNOWN_SOURCE}


def _line(level: int, frame: HostFrame, name: str, kind: str, source: SourceLine | None) -> Line:
    spans = [
        Span(f"#{level:<3} ", "heading"),
        Span(f"{frame.pc:#x}  ", "address"),
        Span(name),
    ]
    if source is not None:
        spans.append(Span(f"  at {source}"))
    if kind:
        spans.append(Span(f"  ({kind})", "mark" if frame.kind is FrameKind.HYPOTHESIS else "dim"))
    return tuple(spans)
