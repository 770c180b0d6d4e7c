"""Answers that are no longer than anybody can want: what a file says may be endless."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from mtedbg.dataclass import replace
from mtedbg.model.absent import Absent
from mtedbg.report import Line, Record, Report, Row, Table, Value

T = TypeVar("T")

MOST = 16 << 20
"""Characters of what the rows of an answer say: the longest list of a sound core takes half."""
_MOST_ALIGNED = MOST
"""The same, where each row is as wide as the widest."""
_CELL = 12
"""Characters that a value takes in a table, at least."""
_EACH = 30
"""Characters that any value takes, with its key in JSON."""


def bounded(report: Report, most: int = MOST) -> Report:
    """The report without the rows that are too many, and with a note of that."""
    body = report.answer.body
    if isinstance(body, Record):
        return report
    rows, lines = _fitting(body.rows, most, _row), _fitting(body.lines, most, _line)
    if rows == len(body.rows) and lines == len(body.lines):
        return report
    left_out = max(len(body.rows) - rows, len(body.lines) - lines)
    note = f"{left_out} more rows are left out: an answer has at most {most >> 20} MiB of text"
    here = None if body.here is None or body.here >= rows else body.here
    cut = Table(body.rows[:rows], body.lines[:lines], here)
    return replace(report, answer=replace(report.answer, body=cut, incomplete=True)).noting(note)


def _fitting(things: Sequence[T], most: int, size: Callable[[T], tuple[int, int]]) -> int:
    """How many of the first may stay, by what each takes alone and in a table."""
    total = widest = 0
    for number, thing in enumerate(things):
        length, width = size(thing)
        total += length
        widest = max(widest, width)
        if total > most or widest * number > _MOST_ALIGNED * most // MOST:
            return number
    return len(things)


def _line(line: Line) -> tuple[int, int]:
    length = sum(len(span.text) for span in line)
    return length, 0


def _row(row: Row) -> tuple[int, int]:
    length = sum(map(_length, row.values()))
    return length, length - len(row) * (_EACH - _CELL)


def _length(value: Value) -> int:
    if isinstance(value, str):
        return _EACH + len(value)
    if isinstance(value, Absent):
        return len(str(value))
    if isinstance(value, Mapping):
        return _EACH + sum(map(_length, value.values()))
    if isinstance(value, Sequence):
        return _EACH + sum(map(_length, value))
    return _EACH
