"""Groups of crashes: each folded to a line, opened it shows calls, files, times and a report.

A strip in every line shows when its crashes happened, all on one scale of time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite

from mtedbg.dataclass import dataclass
from mtedbg.render.html.contents import RecordLine
from mtedbg.render.text import applies, parts
from mtedbg.report import Column, Report, Row

MOST_GROUPS = 1 << 11
MOST_MEMBERS = 1 << 10
_SHOWN_MEMBERS = 16
_BINS = 60
_HEIGHT, _LEAST = 22, 3
_OPENED = ("relation", "message", "transition", "program", "place", "symbol", "function", "memop",
           "tags", "first", "last", "time_source", "signatures", "same_by", "builds",
           "ways")  # fmt: skip
"""Columns that a group shows when it is opened."""
_EARLIEST, _LATEST = -62135596800.0, 253402300799.0
"""Seconds since 1970 that a calendar has a date for: the years 1 to 9999."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Crashes of a stretch of time: its place, its height in pixels, and words."""

    x: int
    y: int
    height: int
    words: str


@dataclass(frozen=True, slots=True)
class Strip:
    """When the crashes of a group happened.

    Attributes:
        title: in words, for who does not see it.
        bars: a stretch of time each, `WIDTH` units all together.
    """

    title: str
    bars: tuple[Bar, ...]
    WIDTH = _BINS
    HEIGHT = _HEIGHT


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a group and its time."""

    file: str
    time: str


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """One group.

    Attributes:
        number: in the page.
        count: its files.
        name: its signature; empty of damaged files.
        cause: what it is.
        place: where that was; may be empty.
        last: when it was seen last.
        strip: when its crashes happened.
        calls: those that tell it from others, the innermost first.
        lines: what else is known.
        exemplar: the file to look at.
        first: its files, those that are shown at once.
        rest: those that are folded away.
        left_out: how many more there are, in JSON only.
    """

    number: int
    count: int
    name: str
    cause: str
    place: str
    last: str
    strip: Strip
    calls: tuple[str, ...]
    lines: tuple[RecordLine, ...]
    exemplar: str
    first: tuple[Member, ...]
    rest: tuple[Member, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class ShownGroups:
    """What `triage.html` writes.

    Attributes:
        groups: in their order.
        begin: of the strips' time.
        end: of it.
        left_out: groups that are in JSON only.
    """

    groups: tuple[ShownGroup, ...]
    begin: str
    end: str
    left_out: int


@dataclass(frozen=True, slots=True)
class _Scale:
    """The time that all strips show, seconds since 1970."""

    begin: float
    end: float

    def bin_of(self, time_s: float) -> int:
        if self.end <= self.begin:
            return _BINS // 2
        return min(int((time_s - self.begin) / (self.end - self.begin) * _BINS), _BINS - 1)

    def start_of(self, number: int) -> float:
        return self.begin + (self.end - self.begin) * number / _BINS


def shown_groups(report: Report, times: Sequence[Sequence[float]]) -> ShownGroups:
    """What a page shows of the report of a triage.

    Args:
        report: a row a group.
        times: when the members of each died, seconds since 1970.
    """
    known = [[one for one in some if _is_date(one)] for some in times[:MOST_GROUPS]]
    every = [one for some in known for one in some]
    scale = _Scale(min(every, default=0.0), max(every, default=0.0))
    columns = {column.key: column for column in report.columns}
    made = tuple(
        _group(number, row, columns, _strip(some, scale))
        for number, (row, some) in enumerate(zip(report.rows, known, strict=False))
    )
    begin, end = (_day(scale.begin), _day(scale.end)) if every else ("", "")
    return ShownGroups(made, begin, end, max(0, len(report.rows) - MOST_GROUPS))


def _is_date(time_s: float) -> bool:
    return isfinite(time_s) and _EARLIEST <= time_s <= _LATEST


def _day(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M")


def _crashes(count: int) -> str:
    return "1 crash" if count == 1 else f"{count} crashes"


def _strip(times: Sequence[float], scale: _Scale) -> Strip:
    bins = Counter(map(scale.bin_of, times))
    most = max(bins.values(), default=1)
    bars = []
    for number, count in sorted(bins.items()):
        height = max(_LEAST, round(_HEIGHT * count / most))
        words = f"{_crashes(count)} from {_day(scale.start_of(number))}"
        bars.append(Bar(number, _HEIGHT - height, height, words))
    title = "no time is known"
    if times:
        title = f"{_crashes(len(times))}, {_day(min(times))} to {_day(max(times))} UTC"
    return Strip(title, tuple(bars))


def _group(number: int, row: Row, columns: Mapping[str, Column], strip: Strip) -> ShownGroup:
    def text(key: str) -> str:
        value = row[key]
        return value if isinstance(value, str) else ""

    files = row["members"]
    members = files if isinstance(files, Sequence) and not isinstance(files, str) else ()
    shown = tuple(
        Member(str(one["file"]), str(one["time"]))
        for one in members[:MOST_MEMBERS]
        if isinstance(one, Mapping)
    )
    calls = row["calls"]
    lines = tuple(
        RecordLine(columns[key].title, columns[key].help, tuple(parts(row[key], columns[key].kind)))
        for key in _OPENED
        if applies(row[key]) and row[key] != []
    )
    return ShownGroup(
        number,
        len(members),
        text("signature"),
        text("cause"),
        text("place"),
        text("last"),
        strip,
        tuple(map(str, calls)) if isinstance(calls, list) else (),
        lines,
        text("exemplar"),
        shown[:_SHOWN_MEMBERS],
        shown[_SHOWN_MEMBERS:],
        max(0, len(members) - MOST_MEMBERS),
    )
