"""`jit-segments`: code segments and how full they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command
from mtedbg.model.absent import Absent, or_else
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.code.segments import RuntimeSegments
    from mtedbg.model.code import Segment
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:  # noqa: ARG001 - it has none
    from mtedbg.analysis.code.segments import segments

    return answer(segments(session))


def answer(found: Sequence[RuntimeSegments]) -> Answer:
    """A row for each segment of all runtimes."""
    from mtedbg.analysis.code.tables import MOST

    shown = [segment for one in found for segment in one.segments][:MOST]
    return Answer(
        Table(tuple(map(_row, shown))),
        _headline(shown),
        tuple(note for one in found for note in _notes(one)),
        incomplete=any(isinstance(one.table.rows, Absent) for one in found),
    )


def _row(one: Segment) -> Row:
    return {
        "base": one.base,
        "capacity": one.capacity,
        "used": one.used,
        "blocks": one.blocks,
        "references": one.references,
    }


def _notes(found: RuntimeSegments) -> Iterator[str]:
    from mtedbg.analysis.runtimes import notes_of

    yield from notes_of(found.runtime)
    if isinstance(found.table.rows, Absent):
        yield f"the table of segments: {found.table.rows}"
    elif found.table.stale:
        yield "the newest table of segments is torn: this is one generation old"
    if found.table.damage:
        yield f"the table of segments is damaged: {found.table.damage} are lost"


def _headline(shown: Sequence[Segment]) -> str:
    from mtedbg.model.memory import size_text

    if not shown:
        return "no code segments"
    capacity = sum(one.capacity for one in shown)
    used = sum(or_else(one.used, 0) for one in shown)
    what = counted(len(shown), "code segment")
    return f"{what}: {size_text(used)} of {size_text(capacity)} used"


COMMAND = Command(
    name="jit-segments",
    summary="The spans of executable memory that code blocks are placed in, and how full they are.",
    columns=(
        Column("base", Kind.ADDRESS, "first address"),
        Column("capacity", Kind.SIZE, "size in bytes"),
        Column("used", Kind.SIZE, "bytes up to where the next block will be placed"),
        Column("blocks", Kind.COUNT, "code blocks placed in it"),
        Column("references", Kind.COUNT, "references that keep it from being unmapped"),
    ),
    run=_run,
    example="jit-segments",
)
