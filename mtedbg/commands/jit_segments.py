"""`jit-segments`: code segments and how full they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:  # noqa: ARG001
    from mtedbg.analysis.code.segments import segments

    return segments(session, COMMAND.name, COMMAND.columns)


COMMAND = Command(
    name="jit-segments",
    summary="The spans of executable memory that code blocks are placed in, and how full they are.",
    columns=(
        Column("base", Kind.ADDRESS, "first address"),
        Column("capacity", Kind.SIZE, "bytes in all"),
        Column("used", Kind.SIZE, "bytes up to where the next block will be placed"),
        Column("blocks", Kind.COUNT, "code blocks placed in it"),
        Column("references", Kind.COUNT, "who keeps it from being unmapped"),
    ),
    run=_run,
    example="jit-segments",
)
