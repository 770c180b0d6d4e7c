"""Report → JSON, schema "mtedbg/report/1": additions only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mtedbg.model.absent import Absent
from mtedbg.render import hex_address, nested_kind
from mtedbg.report import Kind, Report, Value

_HEX = (Kind.ADDRESS, Kind.RAW)


def _plain(value: Value, kind: Kind) -> Any:
    if isinstance(value, Absent):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(item, nested_kind(key)) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item, kind) for item in value]
    if kind in _HEX and isinstance(value, int) and not isinstance(value, bool):
        return hex_address(value)
    return value


def to_object(report: Report) -> dict[str, Any]:
    """The report as JSON-ready values."""
    kinds = {column.key: column.kind for column in report.columns}
    info = report.target
    target = {"kind": info.kind, "tag_source": info.tag_source, "executable": info.executable}
    target["pid"] = info.pid if isinstance(info.pid, int) else None  # type: ignore[assignment]
    holes = [
        f"row {index}: {key}: {absent}" if len(report.rows) > 1 else f"{key}: {absent}"
        for index, key, absent in report.holes()
    ]
    return {
        "schema": "mtedbg/report/1",
        "command": report.command,
        "target": target,
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
        "notes": [*report.notes, *holes],
    }


def render_json(report: Report) -> str:
    """The report as one JSON object and a newline."""
    return json.dumps(to_object(report), indent=1) + "\n"


def render_json_all(reports: Sequence[Mapping[str, Any]]) -> str:
    """Several answers (of `to_object`) as one JSON object and a newline."""
    return json.dumps({"schema": "mtedbg/reports/1", "reports": list(reports)}, indent=1) + "\n"
