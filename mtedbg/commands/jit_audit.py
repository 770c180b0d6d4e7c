"""`jit-audit`: what is wrong with the code map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.code.audit import audit

    return audit(session, COMMAND.name, COMMAND.columns, arguments.n)


COMMAND = Command(
    name="jit-audit",
    summary="The runtime's metadata against itself, and what was in flight when it stopped.",
    columns=(
        Column("severity", Kind.TEXT, "error, warning, info; see below"),
        Column("what", Kind.TEXT, "unsorted, overlap, outside, dangling, checksum, in-flight…"),
        Column("where", Kind.TEXT, "the block, range, memop, table, thread that it is about"),
        Column("detail", Kind.TEXT, "what was found"),
    ),
    run=_run,
    options=(Option("-n", "at most so many findings", "N", "count"),),
    details=(
        "error: the metadata contradicts itself, and answers made of it may be wrong. warning: "
        "something is not there, or one generation old. info: a change was in flight, as in a "
        "core that was taken in the middle of one."
    ),
    example="jit-audit",
)
