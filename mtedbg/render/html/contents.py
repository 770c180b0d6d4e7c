"""The rows of a report: lines, a record or a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent
from mtedbg.render import HEX
from mtedbg.render.text import applies, cell, parts
from mtedbg.report import HERE, Column, Kind, Line, Record, Report, Row, Span, Table, Value

SHOWN_ROWS = 64
"""Of a table; the rest is folded away."""

MOST_ROWS = 1 << 12
"""Of a table: JSON has more."""

_LONG = 48
_NUMBERS = (Kind.COUNT, Kind.SIZE, Kind.TAG)
_ROLES = frozenset(("address", "dim", "heading", "tag-match", "tag-mismatch", "mark"))


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of text; `here` marks the one that the rest is around."""

    spans: Line
    here: bool


@dataclass(frozen=True, slots=True)
class Lines:
    """What `lines.html` writes."""

    TEMPLATE: ClassVar[str] = "lines.html"

    lines: tuple[ShownLine, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table, or its heading: its words, its class, what it means."""

    words: str
    style: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A key, what it means, and its value, a line or several."""

    title: str
    help: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """What `record.html` writes."""

    TEMPLATE: ClassVar[str] = "record.html"

    lines: tuple[RecordLine, ...]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row of a table; `here` marks the one that the others are around."""

    cells: tuple[Cell, ...]
    here: bool


@dataclass(frozen=True, slots=True)
class ShownTable:
    """What `table.html` writes.

    Attributes:
        heads: the headings.
        first: the rows that are seen.
        rest: those that are folded away.
        left_out: how many more there are, in JSON only.
    """

    TEMPLATE: ClassVar[str] = "table.html"

    heads: tuple[Cell, ...]
    first: tuple[ShownRow, ...]
    rest: tuple[ShownRow, ...]
    left_out: int


Contents = Lines | ShownRecord | ShownTable


def contents(report: Report) -> Contents | None:
    """What a report shows of its rows; None where there are none."""
    body = report.answer.body
    if body.lines:
        return Lines(tuple(_line(line) for line in body.lines))
    if isinstance(body, Record):
        return ShownRecord(tuple(_record(report.columns, body.row)))
    return _table(report.columns, body) if body.rows else None


def _line(line: Line) -> ShownLine:
    return ShownLine(tuple(map(_span, line)), HERE in line)


def _span(span: Span) -> Span:
    """With a role that the page has a style for, or none."""
    if span == HERE:
        return Span(span.text, "mark")
    return span if span.role in _ROLES else Span(span.text)


def _record(columns: Sequence[Column], row: Row) -> Iterator[RecordLine]:
    for column in columns:
        value = row[column.key]
        if applies(value):
            yield RecordLine(column.title, column.help, tuple(parts(value, column.kind)))


def _table(columns: Sequence[Column], table: Table) -> ShownTable:
    rows = table.rows
    shown = [
        column
        for column in columns
        if column.shown and any(applies(row[column.key]) for row in rows)
    ]
    drawn = tuple(
        ShownRow(_cells(shown, row), number == table.here)
        for number, row in enumerate(rows[:MOST_ROWS])
    )
    return ShownTable(
        tuple(Cell(column.title, _style(column.kind), column.help) for column in shown),
        drawn[:SHOWN_ROWS],
        drawn[SHOWN_ROWS:],
        max(0, len(rows) - MOST_ROWS),
    )


def _cells(columns: Sequence[Column], row: Row) -> tuple[Cell, ...]:
    return tuple(_cell(row[column.key], column.kind) for column in columns)


def _cell(value: Value, kind: Kind) -> Cell:
    words = "" if isinstance(value, Absent) and not value.is_hole else cell(value, kind)
    return Cell(words, _style(kind, words))


def _style(kind: Kind, words: str = "") -> str:
    """The classes of a cell: what it holds, and whether that is long."""
    names = ["number"] if kind in _NUMBERS else ["address"] if kind in HEX else []
    names += ["long"] if len(words) > _LONG else []
    return " ".join(names)
