"""`mte-set`: writes allocation tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command, Takes
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.tags.write import set_tags

    done = set_tags(session, arguments.addr, arguments.len, arguments.tag)
    what = counted(done.granules, "granule")
    headline = f"{what} from {done.start:#x} on: tag {done.tag} (the first had {done.before})"
    row: Row = {"start": done.start, "end": done.end, "tag": done.tag}
    return Answer(Table((row,)), headline)


COMMAND = Command(
    name="mte-set",
    summary="Sets TAG as the allocation tag of the granules that LEN bytes at ADDR touch.",
    columns=(
        Column("start", Kind.ADDRESS, "first address that was written"),
        Column("end", Kind.ADDRESS, "one past the last"),
        Column("tag", Kind.TAG, "the tag that was written"),
    ),
    run=_run,
    arguments=(
        Argument("ADDR", "an address in tagged memory; the pointer's own tag does not matter"),
        Argument("LEN", "bytes", Takes.SIZE),
        Argument("TAG", "0 to 15", Takes.TAG),
    ),
    details=(
        "This changes the process. Nothing is written if part of it is not tagged memory. A core "
        "file cannot be written to."
    ),
    example="mte-set $x0 64 3",
    repeats=False,
)
