"""Reports made by hand, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.report import Answer, Column, Line, Record, Report, Row, Table

TARGET = TargetInfo(TargetKind.CORE, TagSource.CORE, Absent(Reason.NOT_RECORDED), "/bin/x")


def report(
    columns: Sequence[Column],
    *rows: Row,
    lines: tuple[Line, ...] = (),
    is_table: bool = False,
    **said: Any,
) -> Report:
    """A report of the command `mte-x`.

    Args:
        columns: keys of the rows.
        rows: one for a record, several for a table.
        lines: what text shows instead.
        is_table: whether one row is a table as well.
        said: what else an answer has: headline, notes, incomplete.
    """
    is_record = len(rows) == 1 and not is_table
    body = Record(rows[0], lines) if is_record else Table(rows, lines)
    return Report("mte-x", TARGET, tuple(columns), Answer(body, **said))
