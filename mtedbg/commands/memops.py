"""`memops`: all memops."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option, memop
from mtedbg.report import Report

if TYPE_CHECKING:
    from mtedbg.session import Session

_NOT_IN_TABLES = ("last_fault", "instructions")


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.memops.memops import memops

    report = memops(
        session,
        COMMAND.name,
        COMMAND.columns,
        block=arguments.block,
        mode=arguments.mode,
        sort=arguments.sort,
        most=arguments.n,
    )
    if arguments.export is None:
        return report
    from mtedbg.analysis.memops.profile import exported

    return exported(session, report, arguments.export)


COMMAND = Command(
    name="memops",
    summary="All memops: recorded mode, what their bytes say, how often they were patched.",
    columns=tuple(
        replace(column, shown=column.key not in _NOT_IN_TABLES) for column in memop.COMMAND.columns
    ),
    run=_run,
    options=(
        Option(
            "--block", "only those of the code block with this id", "ID", "count", offers="BLOCK"
        ),
        Option(
            "--mode",
            "only those that are recorded as Local, or Shared",
            "MODE",
            choices=("Local", "Shared"),
        ),
        Option(
            "--sort",
            "flips or faults, most first; id; address",
            "KEY",
            choices=("flips", "faults", "id", "address"),
        ),
        Option("-n", "at most so many", "N", "count"),
        Option("--export", "write what all of them have been through: a profile", "FILE"),
    ),
    details="The profile is what `mtetso --profile-in` makes better code from. It has all memops,\n"
    "whichever are shown. `mtedbg profile merge` adds up those of several runs.",
    example="memops --sort flips -n 10",
)
