"""One Report → a piece of HTML: headline, picture or table or record, notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from mtedbg.model.absent import Absent
from mtedbg.render import HEX, clean
from mtedbg.render.text import applies, cell, parts
from mtedbg.report import Column, Kind, Line, Record, Report, Row, Value

SHOWN_ROWS = 64
"""Of a table; the rest is folded away."""

MOST_ROWS = 1 << 12
"""Of a table: JSON has more."""

_LONG = 48
_NUMBERS = (Kind.COUNT, Kind.SIZE, Kind.TAG)
_ROLES = frozenset(("address", "dim", "heading", "tag-match", "tag-mismatch", "mark"))
_HERE = "=>"


def text(words: str) -> str:
    """`words` for HTML: what came from a process may be anything, and control it must not."""
    return escape(clean(words), quote=True)


def scrolling(inner: str, label: str) -> str:
    """What may be wider than the page, in a box of its own that the keyboard can scroll too."""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(label)}">{inner}</div>'
    )


def body(report: Report, label: str, drawn: str = "", *, instead: bool = False) -> str:
    """The report as HTML, without its heading.

    Args:
        report: what to write.
        label: what it is, for those who hear the page.
        drawn: a drawing that goes with it.
        instead: whether the drawing shows all that the rows do.
    """
    pieces = [f'<p class="headline">{text(report.headline)}</p>'] if report.headline else []
    if drawn:
        pieces.append(drawn)
    if not (drawn and instead):
        pieces += _contents(report, label)
    pieces += [f'<p class="note">{text(note)}</p>' for note in report.notes]
    return "\n".join(pieces)


def _contents(report: Report, label: str) -> Iterator[str]:
    """The picture, the record or the table."""
    body = report.answer.body
    if body.lines:
        yield scrolling(f"<pre>{_picture(body.lines)}</pre>", label)
    elif isinstance(body, Record):
        yield _record(report.columns, body.row)
    elif body.rows:
        yield from _tables(report, label)


def _picture(lines: Sequence[Line]) -> str:
    return "\n".join(_line(line) for line in lines)


def _line(line: Line) -> str:
    spans = "".join(
        f'<span class="{span.role}">{text(span.text)}</span>'
        if span.role in _ROLES
        else text(span.text)
        for span in line
    )
    here = bool(line) and line[0].text.startswith(_HERE)
    return f'<span class="here">{spans}</span>' if here else spans


def _class(kind: Kind, words: str) -> str:
    names = ["number"] if kind in _NUMBERS else ["address"] if kind in HEX else []
    names += ["long"] if len(words) > _LONG else []
    return f' class="{" ".join(names)}"' if names else ""


def _record(columns: Sequence[Column], row: Row) -> str:
    lines = []
    for column in columns:
        value = row[column.key]
        if applies(value):
            words = "".join(f"<div>{text(part)}</div>" for part in parts(value, column.kind))
            name = f'<th scope="row" title="{text(column.help)}">{text(column.title)}</th>'
            lines.append(f"<tr>{name}<td>{words}</td></tr>")
    return f'<table class="record"><tbody>{"".join(lines)}</tbody></table>'


def _tables(report: Report, label: str) -> Iterator[str]:
    """The first rows, and what follows folded."""
    shown = [
        column
        for column in report.columns
        if column.shown and any(applies(row[column.key]) for row in report.rows)
    ]
    first, rest = report.rows[:SHOWN_ROWS], report.rows[SHOWN_ROWS:MOST_ROWS]
    yield scrolling(_table(shown, first), label)
    if rest:
        table = scrolling(_table(shown, rest), f"{label}, continued")
        yield f"<details><summary>{len(rest)} more rows</summary>{table}</details>"
    if len(report.rows) > MOST_ROWS:
        yield f'<p class="note">{len(report.rows) - MOST_ROWS} more rows are in the JSON only</p>'


def _table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    heads = "".join(
        f'<th scope="col"{_class(column.kind, "")} title="{text(column.help)}">'
        f"{text(column.title)}</th>"
        for column in columns
    )
    lines = "".join(_table_row(columns, row) for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"


def _table_row(columns: Sequence[Column], row: Mapping[str, Value]) -> str:
    here = ' class="here"' if row.get("current") is True else ""
    return f"<tr{here}>{''.join(_td(row[column.key], column.kind) for column in columns)}</tr>"


def _td(value: Value, kind: Kind) -> str:
    words = "" if isinstance(value, Absent) and not value.is_hole else cell(value, kind)
    return f"<td{_class(kind, words)}>{text(words)}</td>"
