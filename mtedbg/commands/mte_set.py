"""`mte-set`: writes allocation tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command, Takes
from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.tags.write import TagsWritten
    from mtedbg.session import Session

_MOST = 16
"""Tags that the headline has."""


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.tags.write import set_tags

    done = set_tags(session, arguments.addr, arguments.len, arguments.tag)
    same = len(set(done.tags)) == 1
    row: Row = {
        "start": done.start,
        "end": done.end,
        "tag": done.tags[0] if same else NOT_APPLICABLE,
        "tags": done.tags[:1] if same else done.tags,
    }
    what = f"{counted(done.granules, 'granule')} from {done.start:#x} on"
    return Answer(Table((row,)), f"{what}: {_words(done)} (the first had {done.before})")


def _words(done: TagsWritten) -> str:
    """The tags that were written: the first ones where they are many."""
    if len(set(done.tags)) == 1:
        return f"tag {done.tags[0]}"
    more = " …" if len(done.tags) > _MOST else ""
    again = ", repeated" if len(done.tags) < done.granules else ""
    return f"tags {' '.join(map(str, done.tags[:_MOST]))}{more}{again}"


COMMAND = Command(
    name="mte-set",
    summary="Sets the allocation tags of the granules that LEN bytes at ADDR touch.",
    columns=(
        Column("start", Kind.ADDRESS, "first address that was written"),
        Column("end", Kind.ADDRESS, "one past the last"),
        Column("tag", Kind.TAG, "the tag that was written, where all have the same"),
        Column("tags", Kind.LIST, "all tags, one a granule, repeated from the first", shown=False),
    ),
    run=_run,
    arguments=(
        Argument("ADDR", "an address in tagged memory; the pointer's own tag does not matter"),
        Argument("LEN", "bytes", Takes.SIZE),
        Argument(
            "TAG",
            "0 to 15; of several each granule gets the next one, again from the first at the end",
            Takes.TAG,
            many=True,
        ),
    ),
    details=(
        "This changes the process. Nothing is written if part of it is not tagged memory. A core "
        "file cannot be written to."
    ),
    example="mte-set $x0 64 3\n  mte-set $x0 64 1 2",
    repeats=False,
)
