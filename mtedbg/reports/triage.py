"""Many dead processes: a row a signature."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.model.triage import Signature
from mtedbg.report import Answer, Column, Kind, Report, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.postmortem.groups import Group
    from mtedbg.model.triage import Read

NAME = "triage"
COLUMNS = (
    Column("count", Kind.COUNT, "number of crashes"),
    Column("signature", Kind.TEXT, "twelve digits that identify the columns up to `tags`"),
    Column("cause", Kind.TEXT, "the kind of crash, or what is wrong with a damaged file"),
    Column("transition", Kind.TEXT, "what the runtime would have done about it, or was doing"),
    Column("place", Kind.TEXT, "code range, or file and offset of the PC"),
    Column("symbol", Kind.TEXT, "the symbol there, of the exemplar"),
    Column("function", Kind.TEXT, "the guest's function"),
    Column("memop", Kind.TEXT, "the guest's access"),
    Column("tags", Kind.TEXT, "how pointer tag and memory tag relate"),
    Column("first", Kind.TEXT, "time of the first, UTC"),
    Column("last", Kind.TEXT, "time of the last, UTC"),
    Column(
        "time_source", Kind.TEXT, "source of the times: file (its modification time), tombstone"
    ),
    Column("damaged", Kind.FLAG, "whether these files could not be read", shown=False),
    Column("exemplar", Kind.TEXT, "the newest file of them"),
)


def report(groups: Sequence[Group], notes: Collection[str] = ()) -> Report:
    """The groups, a row each.

    Args:
        groups: in their order.
        notes: to be said below.
    """
    answer = Answer(Table(tuple(map(_row, groups))), _headline(groups), tuple(notes))
    return Report(
        "triage", TargetInfo(TargetKind.CORES, TagSource.CORE, NOT_APPLICABLE), COLUMNS, answer
    )


def _headline(groups: Sequence[Group]) -> str:
    total = sum(len(group.members) for group in groups)
    signatures = sum(group.signature is not None for group in groups)
    damaged = sum(len(group.members) for group in groups if group.signature is None)
    words = f"{_many(total, 'file')}, {_many(signatures, 'signature')}"
    return f"{words}, {damaged} damaged" if damaged else words


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _row(group: Group) -> Row:
    made, exemplar = group.signature, group.exemplar
    cells = made or Signature(f"damaged: {exemplar.problem}")
    return {
        "count": len(group.members),
        "signature": NOT_APPLICABLE if made is None else made.id,
        "cause": cells.cause,
        "transition": _cell(cells.transition),
        "place": _cell(cells.place),
        "symbol": group.symbol,
        "function": _cell(cells.function),
        "memop": _cell(cells.memop),
        "tags": _cell(cells.tags),
        "first": _time(group.members[0]),
        "last": _time(exemplar),
        "time_source": ", ".join(sorted({one.time_source for one in group.members})),
        "damaged": made is None,
        "exemplar": exemplar.path,
    }


def _cell(text: str) -> str | Absent:
    return text or NOT_APPLICABLE


def _time(one: Read) -> str:
    try:
        when = datetime.fromtimestamp(one.time_s, UTC)
    except (ValueError, OverflowError, OSError):  # a file may say that it is of any time
        return "impossible"
    return when.strftime("%Y-%m-%d %H:%M:%S")
