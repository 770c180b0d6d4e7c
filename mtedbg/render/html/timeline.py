"""The flight recorder as a picture: a lane a guest thread, a mark an event, time to the right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.figure import Mark, Timeline
from mtedbg.model.words import counted
from mtedbg.render.html.geometry import Label, label, percent

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
_OTHER = "Other", "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0"
_PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Shape:
    """A mark: its kind, which is its class, its outline, where it is, and its words."""

    kind: str
    outline: str
    x: str
    y: int
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line through all lanes, and its time."""

    x: str
    label: Label


@dataclass(frozen=True, slots=True)
class TimelineDrawing:
    """What `timeline.html` draws.

    Attributes:
        title: what it shows.
        height: in pixels.
        ticks: lines through all lanes.
        top: where they begin.
        lanes: their names, with the pixels from above.
        shapes: the marks.
        legend: a mark of each kind of event, with its name and how many there are.
    """

    TEMPLATE: ClassVar[str] = "timeline.html"
    SHOWS_ALL: ClassVar[bool] = False

    title: str
    height: int
    ticks: tuple[Tick, ...]
    lanes: tuple[tuple[str, int], ...]
    shapes: tuple[Shape, ...]
    legend: tuple[Shape, ...]
    top: int = _TOP - 4


@dataclass(frozen=True, slots=True)
class _Scale:
    """From the first time to the last."""

    first: int
    last: int

    def place(self, time: int) -> float:
        span = self.last - self.first
        share = (time - self.first) / span if span > 0 else 0.5
        return _MARGIN + share * (1 - 2 * _MARGIN)


def timeline_drawing(figure: Timeline) -> TimelineDrawing | None:
    """The picture of the newest events; None where there are none."""
    marks = figure.marks[-MOST_EVENTS:]
    if not marks:
        return None
    lanes = sorted({mark.lane for mark in marks})[:MOST_LANES]
    scale = _Scale(min(mark.time for mark in marks), max(mark.time for mark in marks))
    height = _TOP + _LANE * len(lanes) + 8
    counts = Counter(mark.event for mark in marks)
    what = f"{counted(len(marks), 'event')} of {counted(len(lanes), 'lane')}"
    return TimelineDrawing(
        f"{what} in {_duration(scale.last - scale.first)}",
        height,
        tuple(_ticks(scale)),
        tuple((_name(lane), _top(number)) for number, lane in enumerate(lanes)),
        tuple(_shapes(marks, lanes, scale)),
        tuple(_shape(event, "6", 6, f"{event} {n}") for event, n in counts.most_common()),
    )


def _name(lane: int) -> str:
    return f"guest thread {lane}" if lane else _PROCESS


def _top(lane: int) -> int:
    return _TOP + _LANE * lane


def _duration(nanoseconds: int) -> str:
    for unit, name in ((10**9, "s"), (10**6, "ms"), (10**3, "µs")):
        if nanoseconds >= unit:
            return f"{nanoseconds / unit:.3g} {name}"
    return f"{nanoseconds} ns"


def _ticks(scale: _Scale) -> Iterator[Tick]:
    for number in range(_TICKS + 1):
        time = scale.first + (scale.last - scale.first) * number // _TICKS
        x = scale.place(time)
        words = f"+{_duration(time - scale.first)}"
        yield Tick(percent(x), label(x, _TOP - 9, words, "dim"))


def _shape(event: str, x: str, y: int, words: str) -> Shape:
    kind, outline = (event, _SHAPES[event]) if event in _SHAPES else _OTHER
    return Shape(kind, outline, x, y, words)


def _shapes(marks: Sequence[Mark], lanes: Sequence[int], scale: _Scale) -> Iterator[Shape]:
    places = {lane: _top(number) + 23 for number, lane in enumerate(lanes)}
    for mark in marks:
        if mark.lane in places:
            words = f"+{_duration(mark.time - scale.first)} {mark.words}"
            yield _shape(mark.event, percent(scale.place(mark.time)), places[mark.lane], words)
