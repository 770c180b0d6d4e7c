"""The flight recorder as a picture: a lane a guest thread, a mark an event, time to the right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mtedbg.model.absent import Absent
from mtedbg.render.html_body import text
from mtedbg.render.html_draw import drawing, label, legend, percent
from mtedbg.render.text import cell
from mtedbg.report import Kind, Report, Row

MOST_EVENTS = 1 << 12
MOST_LANES = 64
_LANE, _TOP, _TICKS = 34, 24, 4
_MARGIN = 0.012
_SHAPES = {
    "Fault": "M-5 5L0-5L5 5z",
    "Patch": "M-5-5H5V5H-5z",
    "Retag": "M-6 0L0-6L6 0L0 6z",
    "Migration": "M-6-4H1V-7L7 0L1 7V4H-6z",
    "TierCommit": "M-3-6H3V6H-3z",
    "LazyStub": "M-3-6H3V6H-3z",
    "ThreadStart": "M-5-5L5 0L-5 5z",
    "ThreadExit": "M5-5L-5 0L5 5z",
}
_OTHER = "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0"
_PROCESS = "process"


def timeline(report: Report) -> str:
    """The picture of the rows of `memop-log`; nothing where there is none."""
    events = [row for row in report.rows[-MOST_EVENTS:] if isinstance(row["time"], int)]
    if not events:
        return ""
    lanes = sorted({_lane(row) for row in events})[:MOST_LANES]
    times = [row["time"] for row in events if isinstance(row["time"], int)]
    first, last = min(times), max(times)
    height = _TOP + _LANE * len(lanes) + 8
    shapes = [*_ticks(first, last, height), *_lanes(lanes)]
    shapes += _marks(events, lanes, first, last)
    counts = Counter(str(row["event"]) for row in events)
    entries = [(_mark(event, 6, 6), f"{event} {count}") for event, count in counts.most_common()]
    title = f"{len(events)} events of {len(lanes)} lanes in {_duration(last - first)}"
    caption = (
        f"<figcaption>{text(title)}; a mark's words appear where it is pointed at</figcaption>"
    )
    picture = drawing("timeline", height, shapes, f"Timeline: {title}")
    return f"<figure>{caption}{picture}{legend(entries)}</figure>"


def _lane(row: Row) -> int:
    thread = row["thread"]
    return thread if isinstance(thread, int) else 0


def _place(time: int, first: int, last: int) -> float:
    share = (time - first) / (last - first) if last > first else 0.5
    return _MARGIN + share * (1 - 2 * _MARGIN)


def _duration(nanoseconds: int) -> str:
    for unit, name in ((10**9, "s"), (10**6, "ms"), (10**3, "µs")):
        if nanoseconds >= unit:
            return f"{nanoseconds / unit:.3g} {name}"
    return f"{nanoseconds} ns"


def _ticks(first: int, last: int, height: int) -> Iterator[str]:
    for number in range(_TICKS + 1):
        time = first + (last - first) * number // _TICKS
        x = percent(_place(time, first, last))
        yield f'<line x1="{x}" x2="{x}" y1="{_TOP - 4}" y2="{height}"/>'
        yield label(_place(time, first, last), _TOP - 9, f"+{_duration(time - first)}", "dim")


def _lanes(lanes: list[int]) -> Iterator[str]:
    for number, lane in enumerate(lanes):
        y = _TOP + _LANE * number
        name = f"guest thread {lane}" if lane else _PROCESS
        yield f'<line x1="0" x2="100%" y1="{y + 23}" y2="{y + 23}"/>'
        yield f'<text x="4" y="{y + 11}" class="dim">{name}</text>'


def _mark(event: str, x: float | str, y: int, words: str = "") -> str:
    title = f"<title>{text(words)}</title>" if words else ""
    shape = _SHAPES.get(event, _OTHER)
    kind = event if event in _SHAPES else "Other"
    path = f'<path class="{kind}" d="{shape}">{title}</path>'
    return f'<svg x="{x}" y="{y}" overflow="visible">{path}</svg>'


def _marks(events: list[Row], lanes: list[int], first: int, last: int) -> Iterator[str]:
    places = {lane: _TOP + _LANE * number + 23 for number, lane in enumerate(lanes)}
    for row in events:
        time, lane = row["time"], _lane(row)
        if isinstance(time, int) and lane in places:
            x = percent(_place(time, first, last))
            yield _mark(str(row["event"]), x, places[lane], _words(row, time - first))


def _words(row: Row, since: int) -> str:
    """One event: "+1.2 ms Patch memop 31 0xffff…: Local → Shared, core 1"."""
    words = [f"+{_duration(since)} {row['event']}"]
    if not isinstance(row["memop"], Absent):
        words.append(f"memop {row['memop']}")
    if not isinstance(row["address"], Absent):
        words.append(cell(row["address"], Kind.ADDRESS))
    said = " ".join(words)
    if not isinstance(row["old"], Absent) or not isinstance(row["new"], Absent):
        said += f": {cell(row['old'], Kind.TEXT)} → {cell(row['new'], Kind.TEXT)}"
    return said if isinstance(row["core"], Absent) else f"{said}, core {row['core']}"
