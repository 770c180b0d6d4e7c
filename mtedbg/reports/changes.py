"""Changes that were in flight when the process stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtedbg.analysis.memops.changes import step_of
from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.phase import spelled
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.memops.changes import Change

NAME = "in-progress"
COLUMNS = (
    Column("operation", Kind.TEXT, "PatchMemop, RetagOnly, InsertBlock or RetireBlock"),
    Column("phase", Kind.TEXT, "the last phase that was started"),
    Column("thread", Kind.COUNT, "the thread's number"),
    Column("guest_thread", Kind.COUNT, "the guest thread that it ran", heading="guest"),
    Column("memop", Kind.COUNT, "the memop that was being patched"),
    Column("block", Kind.COUNT, "the block that was being inserted or removed"),
    Column("address", Kind.ADDRESS, "the memory whose tags were being changed"),
    Column("transition", Kind.TEXT, "modes or tags, before → after"),
    Column("step", Kind.TEXT, "how far it had progressed, by the bytes in memory"),
)


def answer(found: Sequence[Change]) -> Answer:
    """A row for each change."""
    return Answer(Table(tuple(map(_row, found))))


def _row(change: Change) -> Row:
    entry = change.entry
    return {
        "operation": entry.operation,
        "phase": spelled(entry.phase) if entry.has_phases else NOT_APPLICABLE,
        "thread": change.thread,
        "guest_thread": entry.thread or NOT_APPLICABLE,
        "memop": entry.memop or NOT_APPLICABLE,
        "block": entry.block or NOT_APPLICABLE,
        "address": entry.address or NOT_APPLICABLE,
        "transition": change.transition,
        "step": step_of(change),
    }
