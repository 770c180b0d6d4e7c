"""`memop-verify`: memops against their bytes, and threads inside of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.memops.verify import verify

    return verify(session, COMMAND.name, COMMAND.columns, arguments.n)


COMMAND = Command(
    name="memop-verify",
    summary="Every memop against its bytes, and every thread that is inside of one.",
    columns=(
        Column("id", Kind.COUNT, "the memop's number"),
        Column("kind", Kind.TEXT, "bytes, stale-pair, in-flight, unreadable; see below"),
        Column("detail", Kind.TEXT, "what was found"),
        Column("thread", Kind.COUNT, "the host thread that it concerns"),
    ),
    run=_run,
    options=(Option("-n", "at most so many findings", "N", "count"),),
    details=(
        "bytes: record and instruction words contradict each other, and nobody is patching. "
        "stale-pair: a thread has run the tag insert [1], is to run the access [2], and [1] would "
        "now give another tag. in-flight: a patch or a tag change was going on. unreadable: words "
        "or registers that are not there."
    ),
    example="memop-verify",
)
