"""Report → CSV, for spreadsheets, and Markdown, for issues."""

from __future__ import annotations

import csv
import io

from mtedbg.render import clean
from mtedbg.render.text import applies, cell
from mtedbg.report import Column, Kind, Report, Value

_FORMULA = ("=", "+", "-", "@")
"""What makes a spreadsheet compute a cell: a name in a core may begin so."""
_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>#|~!&$"})
_NUMBERS = (Kind.COUNT, Kind.SIZE, Kind.TAG)


def render_csv(report: Report) -> str:
    """The rows with all columns, their keys first (RFC 4180); no cell is a formula."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(column.key for column in report.columns)
    for row in report.rows:
        writer.writerow(_inert(_words(row[column.key], column)) for column in report.columns)
    return written.getvalue()


def render_markdown(report: Report) -> str:
    """Headline, the columns that text shows, notes (GitHub Flavored Markdown, 4.10)."""
    shown = [
        column
        for column in report.columns
        if column.shown and any(applies(row[column.key]) for row in report.rows)
    ]
    lines = [_escaped(report.headline), ""] if report.headline else []
    if shown:
        lines.append(_line([_escaped(column.title) for column in shown]))
        lines.append(_line(["---:" if one.kind in _NUMBERS else "---" for one in shown]))
        for row in report.rows:
            lines.append(_line([_escaped(_words(row[one.key], one)) for one in shown]))
    lines += ["", *(f"- {_escaped(note)}" for note in report.notes)] if report.notes else []
    return "\n".join(lines) + "\n"


def _words(value: Value, column: Column) -> str:
    return clean(cell(value, column.kind)) if applies(value) else ""


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _escaped(text: str) -> str:
    return clean(text).translate(_MARKS)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
