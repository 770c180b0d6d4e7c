"""Changes that were in progress when the process stopped, from the journals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import host_thread_of
from mtedbg.decode.memops.journal import in_flight
from mtedbg.decode.memops.memop import memop_with_id, state_of
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.memop import Memop
from mtedbg.model.phase import spelled
from mtedbg.report import Column, Kind, Report, Row, flat

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.runtime import Journal
    from mtedbg.session import Session

COLUMNS = (
    Column("operation", Kind.TEXT, "PatchMemop, RetagOnly, InsertBlock or RetireBlock"),
    Column("phase", Kind.TEXT, "the phase that was begun last"),
    Column("thread", Kind.COUNT, "the thread's number here"),
    Column("guest_thread", Kind.COUNT, "the guest thread that it ran", heading="guest"),
    Column("memop", Kind.COUNT, "the memop that was being patched"),
    Column("block", Kind.COUNT, "the block that was being inserted or removed"),
    Column("address", Kind.ADDRESS, "the memory whose tags were being changed"),
    Column("transition", Kind.TEXT, "modes or tags, before → after"),
    Column("step", Kind.TEXT, "how far it had come, by the bytes themselves"),
)

_PATCH, _RETAG = "PatchMemop", "RetagOnly"


def entries(session: Session) -> Iterator[tuple[Runtime, Journal]]:
    """Every change in flight, with its runtime; nothing of a runtime that cannot be read."""
    runtimes = session.runtimes
    for runtime in () if isinstance(runtimes, Absent) else runtimes:
        try:
            found = in_flight(runtime)
        except LayoutError:
            continue
        for entry in () if isinstance(found, Absent) else found:
            yield runtime, entry


def transition_of(entry: Journal) -> str | Absent:
    """Modes or tags before and after; does not apply to changes of code."""
    if entry.operation == _PATCH:
        return f"{entry.old_mode.lower()} → {entry.new_mode.lower()}"
    if entry.operation == _RETAG:
        return f"tag {entry.old_tag} → {entry.new_tag}"
    return NOT_APPLICABLE


def in_words(session: Session, runtime: Runtime, entry: Journal) -> str:
    """One change: "local → shared patch of memop 17 in progress by thread 3"."""
    whose = host_thread_of(runtime, entry, session.target.threads())
    who = f" by guest thread {entry.thread}" if isinstance(whose, Absent) else f" by thread {whose}"
    if not entry.thread:  # before there is any
        who = ""
    change = transition_of(entry)
    what = {
        _PATCH: f"{change} patch of memop {entry.memop}",
        _RETAG: f"retag of {entry.address:#x}, {change},",
        "InsertBlock": f"insertion of block {entry.block}",
        "RetireBlock": f"removal of block {entry.block}",
    }.get(entry.operation, entry.operation)
    return f"{what} in progress{who}"


def progress(session: Session) -> Report:
    """The changes in flight, one row each."""
    rows = tuple(_row(session, runtime, entry) for runtime, entry in entries(session))
    return flat("in-progress", session.info, COLUMNS, rows, listing=True)


def step_of(runtime: Runtime, entry: Journal) -> str | Absent:
    """How far a patch has come, by the words that stand there."""
    if entry.operation != _PATCH:
        return NOT_APPLICABLE
    try:
        memop = memop_with_id(runtime, entry.memop)
        return state_of(runtime, memop).step if isinstance(memop, Memop) else memop
    except LayoutError:
        return NOT_APPLICABLE


def _row(session: Session, runtime: Runtime, entry: Journal) -> Row:
    return {
        "operation": entry.operation,
        "phase": spelled(entry.phase),
        "thread": host_thread_of(runtime, entry, session.target.threads()),
        "guest_thread": entry.thread or NOT_APPLICABLE,
        "memop": entry.memop or NOT_APPLICABLE,
        "block": entry.block or NOT_APPLICABLE,
        "address": entry.address or NOT_APPLICABLE,
        "transition": transition_of(entry),
        "step": step_of(runtime, entry),
    }
