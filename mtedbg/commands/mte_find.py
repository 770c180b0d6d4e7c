"""`mte-find`: where a tag is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command, Option
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.tags.find import find

    return find(
        session,
        COMMAND.name,
        COMMAND.columns,
        arguments.tag,
        arguments.addr,
        arguments.len,
        most=arguments.n,
        everything=arguments.all,
    )


COMMAND = Command(
    name="mte-find",
    summary="The stretches of memory with allocation tag TAG.",
    columns=(
        Column("start", Kind.ADDRESS, "first address of the stretch"),
        Column("end", Kind.ADDRESS, "one past its last address"),
        Column("tag", Kind.TAG, "the tag"),
    ),
    run=_run,
    arguments=(
        Argument("TAG", "0 to 15", "tag"),
        Argument("ADDR", "where to begin; all tagged mappings where left out", optional=True),
        Argument("LEN", "bytes; to the end of ADDR's mapping where left out", "size", True),
    ),
    options=(
        Option("-n", "at most so many stretches; 256 if left out", "N", "count"),
        Option("--all", "look as long as it takes at a live process; else two seconds"),
    ),
    example="mte-find 3 $x0 4096",
)
