"""`mte-find`: where a tag is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command, Option, Takes
from mtedbg.model.memory import size_text
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.tags.find import Found
    from mtedbg.analysis.tags.runs import Run
    from mtedbg.session import Session

ROWS = 256
"""Runs shown where no number is given."""


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.tags.find import find

    tag, most = arguments.tag, arguments.n
    found = find(
        session,
        tag,
        arguments.addr,
        arguments.len,
        most=ROWS if most is None else most,
        everything=arguments.all,
    )
    cut = found.more is not None and most is None  # not as many as were asked for
    return Answer(
        Table(tuple(map(_row, found.runs))),
        _headline(tag, found),
        tuple(_notes(tag, found)),
        incomplete=cut or found.stopped_at is not None or found.missing > 0,
    )


def _row(run: Run) -> Row:
    return {"start": run.start, "end": run.end, "tag": run.tag}


def _headline(tag: int, found: Found) -> str:
    so_far = "" if found.ended else " so far"
    count = len(found.runs)
    if not count:
        return f"no granule has tag {tag}{so_far}"
    size = size_text(sum(run.end - run.start for run in found.runs))
    return f"{counted(count, 'run')} with tag {tag}, {size}{so_far}"


def _notes(tag: int, found: Found) -> Iterator[str]:
    if found.more is not None:
        goes_on = f"{COMMAND.name} {tag} {found.more.start:#x}"
        yield f"there are more: `{goes_on}` continues in that mapping"
    elif found.stopped_at is not None:
        yield f"stopped at {found.stopped_at:#x} for lack of time: --all searches the rest"
    if found.missing:
        yield f"tags of {size_text(found.missing)} are not available: `mte-regions` says why"
    if not found.tagged and not found.missing:
        yield "there is no tagged memory here: `mte-regions` lists what is tagged"


COMMAND = Command(
    name="mte-find",
    summary="The runs of granules with allocation tag TAG.",
    columns=(
        Column("start", Kind.ADDRESS, "first address of the run"),
        Column("end", Kind.ADDRESS, "one past its last address"),
        Column("tag", Kind.TAG, "the tag"),
    ),
    run=_run,
    arguments=(
        Argument("TAG", "0 to 15", Takes.TAG),
        Argument("ADDR", "where to begin; default: all tagged mappings", optional=True),
        Argument("LEN", "bytes; default: to the end of ADDR's mapping", Takes.SIZE, True),
    ),
    options=(
        Option("-n", "maximum number of runs; default: 256", "N", Takes.COUNT),
        Option("--all", "no time limit in a live process; default: two seconds"),
    ),
    example="mte-find 3 $x0 4096",
)
