"""Report → JSON, schema "mtedbg/report/1": additions only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mtedbg.model.absent import Absent
from mtedbg.model.cell_map import CellMap
from mtedbg.render import HEX, hex_number, nested_kind, without_surrogates
from mtedbg.render.bounded import bounded
from mtedbg.report import Kind, Report, Value

_RANGES_NAMED = 8
_KINDS = "0123456789abcdef.?"
"""Of a map's cells: a tag, not tagged, not read."""
NOTHING = " "
_SURROGATE = "\\ud"


def _plain(value: Value, kind: Kind) -> Any:
    if isinstance(value, Absent):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(item, nested_kind(key, kind)) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item, kind) for item in value]
    if kind in HEX and isinstance(value, int) and not isinstance(value, bool):
        return hex_number(value, kind)
    return value


def _ranges(numbers: Sequence[int]) -> str:
    """Row numbers in words, "0, 3 to 5", of ascending ones; the first few where there are many."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number <= found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    words = [f"{low} to {high}" if high > low else f"{low}" for low, high in found]
    if len(words) > _RANGES_NAMED:
        words[_RANGES_NAMED:] = [f"… ({len(numbers)} in all)"]
    return ", ".join(words)


def _reasons(report: Report) -> list[str]:
    """Why each null is one, a line for all rows with the same reason."""
    rows: dict[tuple[str, Absent], list[int]] = {}
    for index, key, absent in report.holes():
        rows.setdefault((key, absent), []).append(index)
    return [
        f"{key}: {absent}"
        if len(numbers) >= len(report.rows)
        else f"{key}: {absent} (row {_ranges(numbers)})"
        for (key, absent), numbers in rows.items()
    ]


def to_object(report: Report) -> dict[str, Any]:
    """The report as JSON-ready values."""
    report = bounded(report)
    kinds = {column.key: column.kind for column in report.columns}
    info = report.target
    figure = report.answer.figure
    drawn = {} if figure is None else {"figure": _figure(figure)}
    return {
        "schema": "mtedbg/report/1",
        "command": report.command,
        "target": {
            "kind": info.kind,
            "tag_source": info.tag_source,
            "executable": info.executable,
            "pid": _plain(info.pid, Kind.COUNT),
        },
        "partial": report.partial,
        "headline": report.headline,
        "columns": [
            {"key": column.key, "kind": column.kind.value, "help": column.help}
            for column in report.columns
        ],
        "rows": [
            {key: _plain(value, kinds.get(key, Kind.TEXT)) for key, value in row.items()}
            for row in report.rows
        ],
        "notes": [*report.notes, *_reasons(report)],
        **drawn,
    }


def _figure(figure: CellMap) -> dict[str, Any]:
    """A map of tagged memory: a cell is a character, or two where it mixes kinds."""
    return {
        "cell": figure.cell,
        "owners": [_plain(owner, Kind.TEXT) for owner in figure.owners],
        "granules": {_KINDS[kind]: count for kind, count in sorted(figure.granules.items())},
        "left_out": figure.left_out,
        "strips": [
            {
                "start": hex(strip.start),
                "end": hex(strip.end),
                "perms": strip.perms,
                "name": strip.name,
                "first": hex(strip.first),
                "cells": "".join(_KINDS[cell[0]] if cell else NOTHING for cell in strip.cells),
                "next": "".join(_KINDS[cell[1]] if cell[1:] else NOTHING for cell in strip.cells),
            }
            for strip in figure.strips
        ],
    }


def render_json(report: Report) -> str:
    """The report as one JSON object and a newline."""
    return json_text(to_object(report))


def json_text(value: Mapping[str, Any]) -> str:
    """JSON that strict readers take, and a newline.

    A name of a file or process may hold bytes that are no text. JSON has no way to write them: they
    are visible escapes, as in text.
    """
    text = json.dumps(value, indent=1)
    if _SURROGATE in text:  # or of a pair, which is right
        text = json.dumps(_valid(value), indent=1)
    return text + "\n"


def _valid(value: Any) -> Any:
    """`value` with visible escapes for what is no text."""
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, Mapping):
        return {_valid(key): _valid(item) for key, item in value.items()}
    return [_valid(item) for item in value] if isinstance(value, list) else value


def render_json_all(reports: Sequence[Mapping[str, Any]]) -> str:
    """Several answers (of `to_object`) as one JSON object and a newline."""
    return json_text({"schema": "mtedbg/reports/1", "reports": list(reports)})
