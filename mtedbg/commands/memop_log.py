"""`memop-log`: the flight recorder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.memops.log import log

    return log(
        session,
        COMMAND.name,
        COMMAND.columns,
        memop=arguments.memop,
        thread=arguments.thread,
        last=arguments.n,
    )


COMMAND = Command(
    name="memop-log",
    summary="Faults, tag changes, patches and core migrations of all threads, in order.",
    columns=(
        Column("time", Kind.COUNT, "nanoseconds of CLOCK_MONOTONIC"),
        Column("thread", Kind.COUNT, "guest thread"),
        Column("event", Kind.TEXT, "what happened"),
        Column("memop", Kind.COUNT, "id of the memop that it concerns"),
        Column("address", Kind.ADDRESS, "the guest address that it concerns"),
        Column("old", Kind.TEXT, "before: tag, mode…, as goes with the event"),
        Column("new", Kind.TEXT, "after"),
        Column("core", Kind.COUNT, "tag of the core that the thread was on"),
    ),
    run=_run,
    options=(
        Option("--memop", "only events of this memop", "ID", "count", offers="MEMOP"),
        Option("--thread", "only events of this guest thread", "N", "count"),
        Option("-n", "at most so many events, the newest; 64 if left out", "N", "count"),
    ),
    details=(
        "old and new: Fault logical and allocation tag; Retag the two allocation tags; Patch the "
        "two modes; Migration the two core tags; TierCommit block and tier; Pin flips; "
        "ThreadStart guest and host thread; ThreadExit guest thread and status."
    ),
    example="memop-log --memop 3 -n 20",
)
