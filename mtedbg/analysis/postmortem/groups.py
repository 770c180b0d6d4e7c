"""Many deaths → one report: a row a signature, the most frequent first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.process import TargetInfo
from mtedbg.model.triage import Read, Signature
from mtedbg.report import Column, Kind, Report, Row, Value, flat

COLUMNS = (
    Column("count", Kind.COUNT, "how many died of it"),
    Column("signature", Kind.TEXT, "twelve digits that stand for the columns to `tags`"),
    Column("cause", Kind.TEXT, "the kind of death, or what is wrong with a damaged file"),
    Column("transition", Kind.TEXT, "what the runtime would have done about it, or was doing"),
    Column("place", Kind.TEXT, "code range, or file and offset of the PC"),
    Column("symbol", Kind.TEXT, "the symbol there, of the exemplar"),
    Column("function", Kind.TEXT, "the guest's function"),
    Column("memop", Kind.TEXT, "the guest's access"),
    Column("tags", Kind.TEXT, "how pointer tag and memory tag relate"),
    Column("first", Kind.TEXT, "time of the first, UTC"),
    Column("last", Kind.TEXT, "time of the last, UTC"),
    Column("time_source", Kind.TEXT, "what times are from: file (its time of change), tombstone"),
    Column("damaged", Kind.FLAG, "whether these files could not be read", shown=False),
    Column("exemplar", Kind.TEXT, "the newest file of them"),
)
NAMED = 64
"""Signatures whose symbol is looked up: the most frequent; each costs opening a program."""

_TARGET = TargetInfo("cores", "core", NOT_APPLICABLE)
_NOT_NAMED = Absent(Reason.UNKNOWN, f"looked up for the first {NAMED} only")
_Key = tuple[bool, str]
Name = Callable[[Read], str | Absent]


def triage(reads: Iterable[Read], name: Name, notes: Collection[str] = ()) -> Report:
    """The report over `reads`.

    Args:
        reads: of as many files, in any order.
        name: gives the symbol at the PC of an exemplar.
        notes: to be said beside.
    """
    groups: dict[_Key, list[Read]] = defaultdict(list)
    total = 0
    for one in reads:
        total += 1
        made = one.signature
        groups[made is None, one.problem if made is None else made.id].append(one)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    rows = tuple(
        _row(members, name if number < NAMED else lambda _: _NOT_NAMED)
        for number, (_, members) in enumerate(ordered)
    )
    damaged = sum(len(members) for (bad, _), members in ordered if bad)
    signatures = sum(not bad for bad, _ in groups)
    headline = f"{_many(total, 'file')}, {_many(signatures, 'signature')}"
    headline += f", {damaged} damaged" if damaged else ""
    return flat("triage", _TARGET, COLUMNS, rows, tuple(notes), headline=headline, listing=True)


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _row(members: list[Read], name: Name) -> Row:
    members.sort(key=lambda one: (one.time_s, one.path))
    first, last = members[0], members[-1]
    made = last.signature
    cells = made or Signature(last.problem)
    symbol: Value = NOT_APPLICABLE if made is None else name(last)
    sources = sorted({one.time_source for one in members})
    return {
        "count": len(members),
        "signature": NOT_APPLICABLE if made is None else made.id,
        "cause": cells.cause if made else f"damaged: {cells.cause}",
        "transition": _cell(cells.transition),
        "place": _cell(cells.place),
        "symbol": symbol,
        "function": _cell(cells.function),
        "memop": _cell(cells.memop),
        "tags": _cell(cells.tags),
        "first": _time(first),
        "last": _time(last),
        "time_source": ", ".join(sources),
        "damaged": made is None,
        "exemplar": last.path,
    }


def _cell(text: str) -> str | Absent:
    return text or NOT_APPLICABLE


def _time(one: Read) -> str:
    try:
        when = datetime.fromtimestamp(one.time_s, UTC)
    except (ValueError, OverflowError, OSError):  # a file may say that it is of any time
        return "impossible"
    return when.strftime("%Y-%m-%d %H:%M:%S")
