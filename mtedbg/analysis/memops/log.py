"""The flight recorder, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes, notes_of
from mtedbg.decode.memops.recorder import read_log
from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.event import Event
from mtedbg.report import Column, Report, Row, Scalar, Value, flat

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

LAST = 64
"""Events shown where no number is given."""
MOST = 1 << 20


def log(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    *,
    memop: int | None = None,
    thread: int | None = None,
    last: int | None = None,
) -> Report:
    """The newest events of all threads, the oldest first.

    Args:
        session: the process.
        command: to be named in the report.
        columns: of the report.
        memop: only events of the memop with this id.
        thread: only events of this guest thread.
        last: how many at most; `LAST` where None.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    rows: list[Row] = []
    notes: list[str] = []
    lacking = False
    most = min(MOST, max(0, LAST if last is None else last))
    for runtime in all_runtimes(session):
        found = read_log(runtime, memop=memop, thread=thread, last=most)
        rows += (_row(runtime, owner, event) for owner, event in found.events)
        notes += notes_of(runtime)
        if found.torn:
            records = "record was" if found.torn == 1 else "records were"
            notes.append(f"{found.torn} {records} being written and left out")
        lacking |= bool(found.lost)
        notes += [f"the ring of thread {owner}: {hole}" for owner, hole in found.lost]
        if found.matching > len(found.events):
            older = found.matching - len(found.events)
            notes.append(f"{older} older events are not shown: -n {found.matching} shows all")
    return flat(command, session.info, columns, tuple(rows), tuple(notes), lacking=lacking)


def _row(runtime: Runtime, owner: int, event: Event) -> dict[str, Value]:
    old, new = _values(runtime, event)
    return {
        "time": event.time,
        "thread": owner or NOT_APPLICABLE,
        "event": event.event,
        "memop": event.memop or NOT_APPLICABLE,
        "address": event.address or NOT_APPLICABLE,
        "old": old,
        "new": new,
        "core": event.core if owner else NOT_APPLICABLE,
    }


def _values(runtime: Runtime, event: Event) -> tuple[Scalar, Scalar]:
    """What was before and after, in the form that goes with the event."""

    def named(enum: str) -> Callable[[int], Scalar]:
        names = runtime.layout.schema.enums.get(enum, {})
        return lambda value: names.get(value, value)

    def plain(value: int) -> Scalar:
        return value

    def none(_: int) -> Scalar:
        return NOT_APPLICABLE

    forms: dict[str, tuple[Callable[[int], Scalar], Callable[[int], Scalar]]] = {
        "Patch": (named("Mode"), named("Mode")),
        "TierCommit": (plain, named("Tier")),
        "LazyStub": (hex, hex),
        "Interpret": (none, none),
        "Retry": (none, none),
        "Lookup": (none, none),
    }
    old, new = forms.get(event.event, (plain, plain))
    return old(event.old_value), new(event.new_value)
