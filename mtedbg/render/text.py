"""Report → text for a terminal: headline, picture or table, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mtedbg.model.absent import Absent
from mtedbg.render import clean, hex_address, nested_kind
from mtedbg.report import Column, Kind, Line, Report, Row, Value

_RESET = "\x1b[0m"
_STYLES = {
    "headline": "\x1b[1m",
    "heading": "\x1b[2m",
    "address": "\x1b[34m",
    "tag-match": "\x1b[32m",
    "tag-mismatch": "\x1b[1;31m",
    "mark": "\x1b[1;33m",
    "dim": "\x1b[2m",
    "note": "\x1b[2m",
}


def cell(value: Value, kind: Kind) -> str:
    """One value as text."""
    if isinstance(value, Absent):
        return "-" if not value.is_hole else f"<{clean(str(value))}>"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return hex_address(value) if kind in (Kind.ADDRESS, Kind.RAW) else str(value)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return "  ".join(
            f"{clean(key)}={cell(item, nested_kind(key))}" for key, item in value.items()
        )
    return ", ".join(cell(item, kind) for item in value)


def _paint(text: str, role: str, color: bool) -> str:
    style = _STYLES.get(role, "") if color and role else ""
    return f"{style}{text}{_RESET}" if style and text else text


def _line(line: Line, color: bool) -> str:
    return "".join(_paint(clean(span.text), span.role, color) for span in line).rstrip()


def _record(columns: Sequence[Column], row: Row, color: bool) -> list[str]:
    """One row as aligned `key  value` lines; a list of mappings takes a line each."""
    width = max(len(column.title) for column in columns)
    lines = []
    for column in columns:
        value = row[column.key]
        several = isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 1
        parts = (
            [cell(item, column.kind) for item in value]  # type: ignore[union-attr]
            if several and any(isinstance(item, Mapping) for item in value)  # type: ignore[union-attr]
            else [cell(value, column.kind)]
        )
        for number, part in enumerate(parts):
            title = column.title if number == 0 else ""
            lines.append(f"{_paint(f'{title:<{width}}', 'heading', color)}  {part}".rstrip())
    return lines


def _table(columns: Sequence[Column], rows: Sequence[Row], color: bool) -> list[str]:
    shown = [column for column in columns if column.shown]
    cells = [[cell(row[column.key], column.kind) for column in shown] for row in rows]
    widths = [
        max([len(column.title), *(len(line[n]) for line in cells)])
        for n, column in enumerate(shown)
    ]
    right = [column.kind in (Kind.COUNT, Kind.SIZE, Kind.TAG) for column in shown]

    def align(words: Sequence[str]) -> str:
        padded = [
            word.rjust(width) if is_right else word.ljust(width)
            for word, width, is_right in zip(words, widths, right, strict=True)
        ]
        return "  ".join(padded).rstrip()

    heading = _paint(align([column.title for column in shown]), "heading", color)
    return [heading, *(align(line) for line in cells)]


def render_text(report: Report, *, color: bool = False) -> str:
    """The report as lines, with a final newline.

    Args:
        report: what to write.
        color: whether to use ANSI colours; never true towards a pipe.
    """
    lines = [_paint(clean(report.headline), "headline", color)] if report.headline else []
    if report.picture:
        lines += [_line(line, color) for line in report.picture]
    elif len(report.rows) == 1:
        lines += _record(report.columns, report.rows[0], color)
    elif report.rows:
        lines += _table(report.columns, report.rows, color)
    lines += [_paint(f"note: {clean(note)}", "note", color) for note in report.notes]
    return "\n".join(lines) + "\n"
