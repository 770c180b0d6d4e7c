"""The host's call chain of a thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.stacks.host_calls import FrameKind
from mtedbg.model.absent import Absent
from mtedbg.report import Answer, Column, Kind, Line, Row, Span, Table

if TYPE_CHECKING:
    from mtedbg.analysis.stacks.host_calls import HostCalls, HostFrame

NAME = "host-calls"
COLUMNS = (
    Column("level", Kind.COUNT, "0 is the innermost"),
    Column("pc", Kind.ADDRESS, "the PC, or the return address"),
    Column("kind", Kind.TEXT, '"host", "jit", "signal" frame, "interrupted" by it, or a "guess"'),
    Column("function", Kind.TEXT, "the function that contains it"),
    Column("file", Kind.TEXT, "the file that is mapped there"),
)


def answer(found: HostCalls | Absent) -> Answer:
    """The frames as rows and lines, and why the chain ends."""
    if isinstance(found, Absent):
        return Answer(notes=(f"registers: {found}",))
    rows = tuple(_row(level, frame) for level, frame in enumerate(found.frames))
    lines = tuple(_line(level, frame) for level, frame in enumerate(found.frames))
    return Answer(Table(rows, lines), notes=tuple(_notes(found)))


def _notes(found: HostCalls) -> Iterator[str]:
    if found.end:
        yield f"the chain ends: {found.end}"
    if any(frame.kind is FrameKind.HYPOTHESIS for frame in found.frames):
        yield "guessed from x30, which may be stale"


def _row(level: int, frame: HostFrame) -> Row:
    return {
        "level": level,
        "pc": frame.pc,
        "kind": frame.kind.value,
        "function": frame.function,
        "file": frame.file,
    }


def _line(level: int, frame: HostFrame) -> Line:
    kind = "" if frame.kind is FrameKind.HOST else f"  ({frame.kind.value})"
    return (
        Span(f"#{level:<3} ", "heading"),
        Span(f"{frame.pc:#x}  ", "address"),
        Span(frame.function),
        Span(kind, "mark" if frame.kind is FrameKind.HYPOTHESIS else "dim"),
    )
