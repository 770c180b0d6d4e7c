"""The flight recorder: rings of all threads, merged in the order of their one clock."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nlargest

from mtedbg.layout import Requirements, Runtime
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.event import Event, Log, Recorder
from mtedbg.model.runtime import THREADS, Buffer, GuestThread, Table

RECORDER = "recorder"

NEEDS = Requirements(
    models=(Table, Buffer, GuestThread, Recorder, Event), contracts={"recorder": "1"}
)

_MOST_RINGS = 1024
_MOST_BYTES = 1 << 28
"""Of all rings together."""


def keeps_log(runtime: Runtime) -> bool:
    """Whether there is a place for a flight recorder: of the runtime, or of its guest threads."""
    return RECORDER in runtime.named or THREADS in runtime.named


def read_log(
    runtime: Runtime, *, memop: int | None = None, thread: int | None = None, last: int = 1 << 20
) -> Log:
    """What the rings hold, torn records left out and counted.

    Args:
        runtime: whose rings they are.
        memop: only events of this memop.
        thread: only events of this guest thread.
        last: at most so many events, the newest.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    if not keeps_log(runtime):
        return Log((), 0, 0, ())
    runtime.layout.require(NEEDS)
    events: list[tuple[int, Event]] = []
    lost: list[tuple[int, Absent]] = []
    torn, left = 0, _MOST_BYTES
    for owner, recorder in _recorders(runtime):
        if thread is not None and thread != owner:
            continue
        ring = _ring(runtime, recorder, left)
        if isinstance(ring, Absent):
            lost.append((owner, ring))
            continue
        whole, broken, size = ring
        left, torn = left - size, torn + broken
        events += [(owner, one) for one in whole if memop is None or one.memop == memop]
    newest = nlargest(last, events, key=lambda pair: (pair[1].clock, pair[1].order))
    return Log(tuple(reversed(newest)), torn, len(events), tuple(lost))


def _recorders(runtime: Runtime) -> Iterator[tuple[int, Recorder | Absent]]:
    """Guest thread id and ring: the process's own first, which has the id 0."""
    own = runtime.array(RECORDER, Recorder)
    if not isinstance(own, Absent) and own.count:
        yield 0, own.get(0)
    threads = runtime.rows(THREADS, GuestThread)
    if isinstance(threads, Absent):
        yield 0, threads
        return
    for number, thread in enumerate(threads):
        if number == _MOST_RINGS:
            yield thread.id, Absent(Reason.DAMAGED, f"more than {_MOST_RINGS} threads")
            return
        yield thread.id, runtime.record(Recorder, thread.recorder)


def _ring(
    runtime: Runtime, recorder: Recorder | Absent, most: int
) -> tuple[list[Event], int, int] | Absent:
    """Whole events of one ring, how many were torn, and the bytes read."""
    if isinstance(recorder, Absent):
        return recorder
    written = min(recorder.head, recorder.capacity)
    array = runtime.records(Event, recorder.events, written, recorder.stride)
    if isinstance(array, Absent):
        return array
    if array.size > most:
        return Absent(Reason.DAMAGED, f"a ring of {recorder.capacity} events")
    records = array.all()
    if isinstance(records, Absent):
        return records
    oldest, whole = recorder.head - written, []
    for index, event in enumerate(records):
        number = event.order - 1
        in_place = number >= 0 and number % recorder.capacity == index
        # Events may have been added between the reading of the head and of the ring.
        if in_place and number >= oldest:
            whole.append(event)
    return whole, written - len(whole), array.size
