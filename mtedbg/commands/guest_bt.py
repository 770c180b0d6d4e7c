"""`guest-bt`: the guest's call chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:  # noqa: ARG001
    from mtedbg.analysis.stacks.guest_calls import calls

    return calls(session, COMMAND.name, COMMAND.columns)


COMMAND = Command(
    name="guest-bt",
    summary="The guest's call chain.",
    columns=(
        Column("level", Kind.COUNT, "0 is the innermost"),
        Column("rip", Kind.ADDRESS, "where the level is, or will go on"),
        Column("function", Kind.TEXT, "the guest function"),
        Column("host_pc", Kind.ADDRESS, "of level 0, in translated code"),
        Column("block", Kind.COUNT, "the code block with the function's translation"),
    ),
    run=_run,
    details=(
        "A guest without frame pointers and unwind tables is unwound by what its functions' own "
        "instructions push. Where that does not lead on, the stack is searched for addresses "
        "behind a call: such a level is marked as a guess."
    ),
    example="guest-bt --all-threads",
    per_thread=True,
)
