"""`mte-check`: does a pointer match the memory it points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.tags.check import check

    return check(session, COMMAND.name, COMMAND.columns, arguments.ptr)


COMMAND = Command(
    name="mte-check",
    summary="Whether the tag of PTR is the tag of the memory that it points to.",
    columns=(
        Column("address", Kind.ADDRESS, "the address, without tag and PAC bits"),
        Column("logical_tag", Kind.TAG, "the pointer's tag"),
        Column("allocation_tag", Kind.TAG, "the memory's tag"),
        Column("match", Kind.FLAG, "whether they are equal"),
    ),
    run=_run,
    arguments=(Argument("PTR", "a pointer with its tag"),),
    example="mte-check $x16",
)
