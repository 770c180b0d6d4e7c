"""`mte-set`: writes allocation tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.tags.write import set_tags

    return set_tags(
        session, COMMAND.name, COMMAND.columns, arguments.addr, arguments.len, arguments.tag
    )


COMMAND = Command(
    name="mte-set",
    summary="Gives allocation tag TAG to the granules that LEN bytes at ADDR touch.",
    columns=(
        Column("start", Kind.ADDRESS, "first address that was written"),
        Column("end", Kind.ADDRESS, "one past the last"),
        Column("tag", Kind.TAG, "the tag that they have now"),
    ),
    run=_run,
    arguments=(
        Argument("ADDR", "an address in tagged memory; the pointer's own tag does not matter"),
        Argument("LEN", "bytes", "size"),
        Argument("TAG", "0 to 15", "tag"),
    ),
    details=(
        "This changes the process. Nothing is written where some of it is not tagged memory. "
        "A core cannot be written to."
    ),
    example="mte-set $x0 64 3",
    repeats=False,
)
