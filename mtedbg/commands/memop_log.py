"""`memop-log`: the flight recorder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option, Takes
from mtedbg.model.completion import Completable
from mtedbg.report import Answer, Column, Kind, Row, record_or_table

if TYPE_CHECKING:
    from mtedbg.analysis.memops.log import LoggedEvent, RuntimeLog
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.memops.log import log

    memop, thread, last = arguments.memop, arguments.thread, arguments.n
    return answer(log(session, memop=memop, thread=thread, last=last))


def answer(found: Sequence[RuntimeLog]) -> Answer:
    """A row for each event."""
    return Answer(
        record_or_table([_row(event) for one in found for event in one.events]),
        notes=tuple(note for one in found for note in _notes(one)),
        incomplete=any(one.lost for one in found),
    )


def _row(event: LoggedEvent) -> Row:
    return {
        "time": event.time,
        "thread": event.thread,
        "event": event.event,
        "memop": event.memop,
        "address": event.address,
        "old": event.old,
        "new": event.new,
        "core": event.core,
    }


def _notes(found: RuntimeLog) -> Iterator[str]:
    from mtedbg.analysis.runtimes import notes_of

    yield from notes_of(found.runtime)
    if found.torn:
        records = "record was" if found.torn == 1 else "records were"
        yield f"{found.torn} {records} being written and left out"
    yield from (f"the ring of thread {owner}: {hole}" for owner, hole in found.lost)
    if found.matching > len(found.events):
        older = found.matching - len(found.events)
        yield f"{older} older events are not shown: -n {found.matching} shows all"


COMMAND = Command(
    name="memop-log",
    summary="Faults, tag changes, patches and core migrations of all threads, in order.",
    columns=(
        Column("time", Kind.COUNT, "nanoseconds of CLOCK_MONOTONIC"),
        Column("thread", Kind.COUNT, "guest thread"),
        Column("event", Kind.TEXT, "what happened"),
        Column("memop", Kind.COUNT, "id of the memop that it concerns"),
        Column("address", Kind.ADDRESS, "the guest address that it concerns"),
        Column("old", Kind.TEXT, "value before: a tag, a mode…"),
        Column("new", Kind.TEXT, "value after"),
        Column("core", Kind.COUNT, "tag of the core that the thread was on"),
    ),
    run=_run,
    options=(
        Option(
            "--memop", "only events of this memop", "ID", Takes.COUNT, completes=Completable.MEMOP
        ),
        Option("--thread", "only events of this guest thread", "N", Takes.COUNT),
        Option("-n", "maximum number of events, the newest; default: 64", "N", Takes.COUNT),
    ),
    details=(
        "old and new: Fault logical and allocation tag; Retag the two allocation tags; Patch the "
        "two modes; Migration the two core tags; TierCommit block and tier; Pin flips; "
        "ThreadStart guest and host thread; ThreadExit guest thread and status."
    ),
    example="memop-log --memop 3 -n 20",
)
