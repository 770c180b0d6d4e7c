"""Changes in flight as rows."""

from __future__ import annotations

from mtedbg.analysis.memops.changes import changes
from mtedbg.report import rows_of
from mtedbg.reports.changes import COLUMNS, answer
from tests.support.scenes import OWN, runtime_at


def test_changes_in_progress() -> None:
    (row,) = rows_of(answer(changes(runtime_at(OWN, 0))).body)
    assert list(row) == [column.key for column in COLUMNS]
    assert (row["operation"], row["phase"], row["thread"]) == ("PatchMemop", "patch-address", 1)
    assert (row["memop"], row["transition"]) == (3, "local → shared")
    assert str(row["step"]).startswith("phase PatchAddress")
