"""What the system recorded of a death."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.model.recorded import RecordedFact

NAME = "testimony"
COLUMNS = (
    Column("about", Kind.TEXT, "what it concerns"),
    Column("level", Kind.COUNT, "level in its backtrace, 0 is the innermost"),
    Column("text", Kind.TEXT, "what was recorded; in a backtrace, function and offset"),
    Column("file", Kind.TEXT, "of a level, the file that is mapped there"),
)


def answer(facts: Iterable[RecordedFact]) -> Answer:
    """The facts, each followed by the backtrace that belongs to it."""
    return Answer(Table(tuple(row for one in facts for row in _rows(one))))


def _rows(one: RecordedFact) -> Iterator[Row]:
    yield {"about": one.about, "level": NOT_APPLICABLE, "text": one.text, "file": NOT_APPLICABLE}
    for level, call in enumerate(one.calls):
        yield {"about": one.about, "level": level, "text": call.place, "file": call.file}
