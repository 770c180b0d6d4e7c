"""`mte-tags`: the allocation tags around an address or over a length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command, Option
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.tags.tags import tags

    pointer, length = arguments.addr, arguments.len
    if pointer is None:
        pointer, length = session.go_on(COMMAND.name)
    report = tags(
        session,
        COMMAND.name,
        COMMAND.columns,
        pointer,
        length,
        granules=arguments.granules,
        picture=not (arguments.runs or arguments.granules or arguments.json),
    )
    if report.rows:
        _remember(session, report, pointer, length)
    return report


def _remember(session: Session, report: Report, pointer: int, length: int | None) -> None:
    """That the next call goes on where this one ended, with the same pointer tag."""
    start, end = report.rows[0]["start"], report.rows[-1]["end"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    address = session.strip(pointer)
    left = 0 if length is None else address + length - end
    going_on = left if left > 0 else length or end - start
    session.behind[COMMAND.name] = (end | pointer ^ address, going_on)


COMMAND = Command(
    name="mte-tags",
    summary="The allocation tags around ADDR, or of the granules that LEN bytes from it touch.",
    columns=(
        Column("start", Kind.ADDRESS, "first address of a stretch with one tag"),
        Column("end", Kind.ADDRESS, "one past its last address"),
        Column("tag", Kind.TAG, "allocation tag, or why there is none"),
        Column("owner", Kind.TEXT, 'core id that the tag marks, or "shared"; needs a runtime'),
    ),
    run=_run,
    arguments=(
        Argument(
            "ADDR",
            "a pointer, its tag to compare with the memory's; left out: behind what was shown last",
            optional=True,
        ),
        Argument("LEN", "bytes; some lines around ADDR where left out", "size", optional=True),
    ),
    options=(
        Option("--runs", "a row for each stretch of equal tags instead of the map"),
        Option("--granules", "a row for each granule of 16 bytes"),
    ),
    details=(
        "The map shows 16 granules a line, one hexadecimal digit each: => and [ ] at ADDR, "
        ". what is not tagged, ? what cannot be read."
    ),
    example="mte-tags $x0 256",
    goes_on=True,
)
