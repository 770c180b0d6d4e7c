"""Report → text for a terminal: headline, picture or table or record, notes.

A list of things is a table. One thing is a record: a line for each key that applies, what does
not apply to it, or to no row of a table, is left out (JSON has every key).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.render import HEX, clean, hex_number, nested_kind
from mtedbg.render.bounded import bounded
from mtedbg.report import Column, Kind, Line, Record, Report, Row, Scalar, Value

_RESET = "\x1b[0m"
_STYLES = {
    "headline": "\x1b[1m",
    "heading": "\x1b[2m",
    "address": "\x1b[34m",
    "tag-match": "\x1b[32m",
    "tag-mismatch": "\x1b[1;31m",
    "mark": "\x1b[1;33m",
    "here": "\x1b[1;33m",
    "dim": "\x1b[2m",
    "note": "\x1b[2m",
}

# What a nested value of these keys is can be seen: the key is not written.
_SELF_EVIDENT = frozenset(
    {"name", "register", "address", "value_raw", "instruction", "part", "text"}
)
_SCALARS = (int, str, bool, Absent)
_GAP = "  "
_MEMBERS_IN_A_TABLE = 4


def _scalar(value: Scalar, kind: Kind) -> str:
    if isinstance(value, Absent):
        return f"<{clean(str(value))}>" if value.is_hole else "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return hex_number(value, kind) if kind in HEX else str(value)
    return clean(value)


def _member(key: str, value: Scalar, kind: Kind) -> str:
    """One value of a mapping: "tag 3", "3: 41" where the key is a number, or the value alone."""
    text = _scalar(value, nested_kind(key, kind))
    if key in _SELF_EVIDENT:
        return text
    if key.isdecimal():
        return f"{key}: {text}"
    return f"{clean(key.removesuffix('_raw').replace('_', ' '))} {text}"


def _members(value: Mapping[str, Scalar], kind: Kind) -> list[str]:
    return [_member(key, item, kind) for key, item in value.items()]


def cell(value: Value, kind: Kind) -> str:
    """One value as text."""
    if isinstance(value, Mapping):
        return _GAP.join(_members(value, kind))
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not value:
            return "none"
        return ", ".join(
            _GAP.join(_members(item, kind)) if isinstance(item, Mapping) else _scalar(item, kind)
            for item in value
        )
    return _scalar(value, kind)


def _paint(text: str, role: str, color: bool) -> str:
    style = _STYLES.get(role, "") if color and role else ""
    return f"{style}{text}{_RESET}" if style and text else text


def _role(kind: Kind) -> str:
    return "address" if kind in HEX else ""


def _line(line: Line, color: bool) -> str:
    return "".join(_paint(clean(span.text), span.role, color) for span in line).rstrip()


def _aligned(lines: Sequence[Sequence[str]], right: Sequence[bool] = ()) -> list[list[str]]:
    """The cells of each line padded to the width of their column."""
    columns = max((len(line) for line in lines), default=0)
    sides = [*right, *[False] * (columns - len(right))]
    widths = [
        max((len(line[number]) for line in lines if number < len(line)), default=0)
        for number in range(columns)
    ]
    return [
        [
            word.rjust(width) if to_right else word.ljust(width)
            for word, width, to_right in zip(line, widths, sides, strict=False)
        ]
        for line in lines
    ]


def _without_empty(items: Sequence[Mapping[str, Scalar]]) -> list[dict[str, Scalar]]:
    """The items without what applies to none of them."""
    empty = {
        key
        for item in items
        for key in item
        if not any(applies(other[key]) for other in items if key in other)
    }
    return [{key: item[key] for key in item if key not in empty} for item in items]


def parts(value: Value, kind: Kind) -> list[str]:
    """The lines that a value takes in a record: a list of mappings takes one for each."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [item for item in value if isinstance(item, Mapping)]
        if len(items) == len(value) and items:
            lines = [_members(item, kind) for item in _without_empty(items)]
            return [_GAP.join(line) for line in _aligned(lines)]
    return [cell(value, kind)]


def applies(value: Value) -> bool:
    """Whether there is something to write: a value, or a hole."""
    if value is NOT_APPLICABLE:  # the common case first
        return False
    return not isinstance(value, Absent) or value.is_hole


def _record(columns: Sequence[Column], row: Row, color: bool) -> list[str]:
    """One row as aligned `key  value` lines."""
    shown = [column for column in columns if applies(row[column.key])]
    width = max((len(column.title) for column in shown), default=0)
    lines = []
    for column in shown:
        for number, part in enumerate(parts(row[column.key], column.kind)):
            title = f"{column.title if number == 0 else '':<{width}}"
            value = _paint(part.rstrip(), _role(column.kind), color)
            lines.append(f"{_paint(title, 'heading', color)}{_GAP}{value}")
    return lines


def _short(value: Value, kind: Kind) -> str:
    """As a table has room for: a mapping's first members."""
    if type(value) in _SCALARS:  # nearly all are, and asking what a Mapping is takes long
        return _scalar(value, kind)  # type: ignore[arg-type]
    if isinstance(value, Mapping) and len(value) > _MEMBERS_IN_A_TABLE:
        first = _members(value, kind)[:_MEMBERS_IN_A_TABLE]
        return _GAP.join([*first, f"… {len(value) - _MEMBERS_IN_A_TABLE} more"])
    return cell(value, kind)


def _words(values: Sequence[Value], column: Column) -> list[str]:
    """The texts of one column."""
    kind = column.kind
    if all(type(value) is int for value in values):  # as they mostly are
        if kind is Kind.ADDRESS:
            return [hex(value) for value in values]  # type: ignore[arg-type]
        if kind not in HEX:
            return [str(value) for value in values]
    text = cell if column.whole else _short
    return [text(value, kind) for value in values]


def _table(columns: Sequence[Column], rows: Sequence[Row], color: bool) -> list[str]:
    shown = [
        column
        for column in columns
        if column.shown and any(applies(row[column.key]) for row in rows)
    ]
    # Column by column: a report may have tens of thousands of rows.
    headings, columns_of_words = [], []
    for column in shown:
        words = _words([row[column.key] for row in rows], column)
        width = max(len(column.title), *map(len, words))
        pad = str.rjust if column.kind in (Kind.COUNT, Kind.SIZE, Kind.TAG) else str.ljust
        role = _role(column.kind) if color else ""
        padded = [pad(word, width) for word in words]
        columns_of_words.append([_paint(word, role, color) for word in padded] if role else padded)
        headings.append(pad(column.title, width))
    lines = [_GAP.join(line).rstrip() for line in zip(*columns_of_words, strict=True)]
    return [_paint(_GAP.join(headings).rstrip(), "heading", color), *lines]


def _width(report: Report) -> int:
    """Columns that the report's table takes."""
    return max(map(len, _table(report.columns, report.rows, color=False)))


def _records(columns: Sequence[Column], rows: Sequence[Row], color: bool) -> list[str]:
    """The rows one below the other, a line between them."""
    shown = [column for column in columns if column.shown]
    return [line for row in rows for line in ("", *_record(shown, row, color))]


def render_text(report: Report, *, color: bool = False, width: int = 0) -> str:
    """The report as lines, with a final newline.

    Args:
        report: what to write.
        color: whether to use ANSI colours; never true towards a pipe.
        width: columns that there are: the rows of a table that needs more stand one below the
            other; 0 where that does not matter.
    """
    report = bounded(report)
    lines = [_paint(clean(report.headline), "headline", color)] if report.headline else []
    body = report.answer.body
    if body.lines:
        lines += [_line(line, color) for line in body.lines]
    elif isinstance(body, Record):
        lines += _record(report.columns, body.row, color)
    elif body.rows and width and _width(report) > width:
        lines += _records(report.columns, body.rows, color)
    elif body.rows:
        lines += _table(report.columns, body.rows, color)
    lines += [_paint(f"note: {clean(note)}", "note", color) for note in report.notes]
    return "\n".join(lines) + "\n"
