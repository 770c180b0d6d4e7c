"""Many dead processes: a row a signature."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mtedbg.analysis.postmortem.same import Joined
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.model.triage import Signature
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Line, Report, Row, Span, Table

if TYPE_CHECKING:
    from mtedbg.analysis.postmortem.groups import Group
    from mtedbg.model.triage import Read

NAME = "triage"
COLUMNS = (
    Column("count", Kind.COUNT, "number of crashes"),
    Column("signature", Kind.TEXT, "twelve digits that identify the oldest crash of the group"),
    Column("cause", Kind.TEXT, "the kind of crash, or what is wrong with a damaged file"),
    Column("relation", Kind.TEXT, "how the access lies to its object, by the process's records"),
    Column("message", Kind.TEXT, "what the program said when it ended itself"),
    Column("transition", Kind.TEXT, "what the runtime would have done about it, or was doing"),
    Column("program", Kind.TEXT, "name of the program's file"),
    Column("place", Kind.TEXT, "code range, or the calls that tell it from other crashes"),
    Column("symbol", Kind.TEXT, "the symbol at the PC, of the exemplar", shown=False),
    Column("function", Kind.TEXT, "the guest's function"),
    Column("memop", Kind.TEXT, "the guest's access"),
    Column("tags", Kind.TEXT, "how pointer and memory tag relate, in the exemplar", shown=False),
    Column("first", Kind.TEXT, "time of the first, UTC"),
    Column("last", Kind.TEXT, "time of the last, UTC"),
    Column(
        "time_source",
        Kind.TEXT,
        "source of the times: file (its modification time), tombstone, name (systemd-coredump's)",
        shown=False,
    ),
    Column(
        "known",
        Kind.FLAG,
        "whether `--known` lists one of its signatures",
    ),
    Column("damaged", Kind.FLAG, "whether these files could not be read", shown=False),
    Column("exemplar", Kind.TEXT, "the smallest file of them"),
    Column(
        "calls",
        Kind.LIST,
        "the calls that tell it from others, innermost first",
        shown=False,
    ),
    Column(
        "signatures",
        Kind.LIST,
        "all signatures of the group: a rebuilt program may have others",
        shown=False,
    ),
    Column(
        "same_by",
        Kind.TEXT,
        "how its crashes were found to be the same: place, function, symbols; shape: likely",
        shown=False,
    ),
    Column("builds", Kind.COUNT, "builds of the program, by build ids", shown=False),
    Column(
        "ways",
        Kind.COUNT,
        "in how many ways the calls beyond these differ: many may be several bugs",
        shown=False,
    ),
    Column("members", Kind.LIST, "its files, the oldest first, with their times", shown=False),
)
_SEVERAL_WAYS = 5
"""Groups that a note says may be mixed."""


def report(
    groups: Sequence[Group],
    notes: Collection[str] = (),
    known: Collection[str] | None = None,
    *,
    members: bool = False,
) -> Report:
    """The groups, a row each.

    Args:
        groups: in their order.
        notes: to be said below.
        known: signatures that somebody knows; None where nobody said which.
        members: whether text lists the files of each group.
    """
    rows = tuple(_row(group, known) for group in groups)
    lines = tuple(_with_members(rows)) if members else ()
    answer = Answer(Table(rows, lines), _headline(groups), (*_estimates(groups), *notes))
    return Report(
        "triage", TargetInfo(TargetKind.CORES, TagSource.CORE, NOT_APPLICABLE), COLUMNS, answer
    )


def _headline(groups: Sequence[Group]) -> str:
    total = sum(len(group.members) for group in groups)
    signatures = sum(group.signature is not None for group in groups)
    damaged = sum(len(group.members) for group in groups if group.signature is None)
    words = f"{counted(total, 'file')}, {counted(signatures, 'signature')}"
    return f"{words}, {damaged} damaged" if damaged else words


def _estimates(groups: Sequence[Group]) -> Iterator[str]:
    """What is likely, but not certain, of how they are grouped."""
    mixed = [group for group in groups if group.signature is not None and group.ways > 1]
    for group in mixed[:_SEVERAL_WAYS]:
        yield f"{_id(group)}: reached in {group.ways} ways; it may be more than one bug"
    if len(mixed) > _SEVERAL_WAYS:
        yield f"so may {counted(len(mixed) - _SEVERAL_WAYS, 'other group')}: see ways in --json"
    alike = [group for group in groups if group.joined is Joined.SHAPE]
    if alike:
        yield (
            f"{counted(len(alike), 'group')} of several builds without symbols:"
            " the same by the shape of the calls, likely and not certain"
        )


def _id(group: Group) -> str:
    return group.signature.id if group.signature else ""


def is_new(group: Group, known: Collection[str]) -> bool:
    """Whether it is a crash none of whose signatures is in `known`."""
    return group.signature is not None and not any(one in known for one in group.signatures)


def _row(group: Group, known: Collection[str] | None) -> Row:
    made, exemplar = group.signature, group.exemplar
    cells = made or Signature(f"damaged: {exemplar.problem}")
    best = group.best.signature or cells
    return {
        "count": len(group.members),
        "signature": NOT_APPLICABLE if made is None else made.id,
        "cause": cells.cause,
        "relation": _cell(group.relation),
        "message": _cell(cells.message),
        "transition": _cell(cells.transition),
        "program": _cell(cells.program),
        "place": _cell(" ← ".join(best.calls) or cells.place),
        "symbol": _cell(group.best.symbol),
        "function": _cell(cells.function),
        "memop": _cell(cells.memop),
        "tags": _cell(exemplar.evidence.tags),
        "first": time_of(group.members[0]),
        "last": time_of(group.members[-1]),
        "time_source": ", ".join(sorted({one.time_source for one in group.members})),
        "known": NOT_APPLICABLE if known is None or made is None else not is_new(group, known),
        "damaged": made is None,
        "exemplar": exemplar.path,
        "calls": list(best.calls),
        "signatures": list(group.signatures),
        "same_by": NOT_APPLICABLE if group.joined is None else group.joined.value,
        "builds": group.builds,
        "ways": NOT_APPLICABLE if made is None else group.ways,
        "members": [{"file": one.path, "time": time_of(one)} for one in group.members],
    }


def _with_members(rows: Sequence[Row]) -> Iterator[Line]:
    """What tells a group, and its files below it."""
    for row in rows:
        what = [row[key] for key in ("cause", "relation", "place") if isinstance(row[key], str)]
        known = row["signature"]
        name = "damaged" if isinstance(known, Absent) else str(known)
        yield ()
        yield (Span(f"{row['count']}  {name}  {'  '.join(map(str, what))}", "heading"),)
        members = row["members"]
        assert isinstance(members, list)
        for one in members:
            yield (Span(f"  {one['time']}  {one['file']}"),)


def _cell(text: str) -> str | Absent:
    return text or NOT_APPLICABLE


def time_of(one: Read) -> str:
    """When a process died, UTC."""
    try:
        when = datetime.fromtimestamp(one.time_s, UTC)
    except (ValueError, OverflowError, OSError):  # a file may say that it is of any time
        return "impossible"
    return when.strftime("%Y-%m-%d %H:%M:%S")
