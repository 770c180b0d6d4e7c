"""The code segments and how full they are."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes, notes_of
from mtedbg.decode.code.code_map import SEGMENTS
from mtedbg.layout import Requirements
from mtedbg.model.absent import Absent
from mtedbg.model.code import Segment
from mtedbg.model.memory import size_text
from mtedbg.model.runtime import Buffer, Table
from mtedbg.report import Column, Report, Row, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

NEEDS = Requirements(models=(Table, Buffer, Segment))
ROWS = 1 << 16


def segments(session: Session, command: str, columns: tuple[Column, ...]) -> Report:
    """Every code segment of every runtime, in the order that they were made.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    rows: list[Row] = []
    notes: list[str] = []
    lacking = False
    for runtime in all_runtimes(session):
        runtime.layout.require(NEEDS)
        notes += notes_of(runtime)
        table = runtime.table(SEGMENTS, Segment, whole=True)
        records = table if isinstance(table, Absent) else table.records.all()
        if isinstance(table, Absent) or isinstance(records, Absent):
            notes.append(f"the table of segments: {records}")
            lacking = True
            continue
        if table.stale:
            notes.append("the newest table of segments is torn: this is one generation old")
        rows += (_row(one) for one in islice(records, ROWS - len(rows)))
    return flat(
        command, session.info, columns, tuple(rows), tuple(notes), headline=_headline(rows),
        listing=True, lacking=lacking,
    )  # fmt: skip


def _row(one: Segment) -> Row:
    return {
        "base": one.base,
        "capacity": one.capacity,
        "used": one.used,
        "blocks": one.blocks,
        "references": one.references,
    }


def _headline(rows: list[Row]) -> str:
    if not rows:
        return "no code segments"
    capacity = sum(row["capacity"] for row in rows if isinstance(row["capacity"], int))
    used = sum(row["used"] for row in rows if isinstance(row["used"], int))
    what = f"{len(rows)} code segment{'s' if len(rows) > 1 else ''}"
    return f"{what}: {size_text(used)} of {size_text(capacity)} used"
