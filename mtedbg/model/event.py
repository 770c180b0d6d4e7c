"""The flight recorder: what the runtime did, in order."""

from enum import StrEnum
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent


class EventKind(StrEnum):
    """What happened; the value is the name in the schema."""

    FAULT = "Fault"
    LOOKUP = "Lookup"
    RETAG = "Retag"
    PATCH = "Patch"
    MIGRATION = "Migration"
    TIER_COMMIT = "TierCommit"
    LAZY_STUB = "LazyStub"
    RETRY = "Retry"
    INTERPRET = "Interpret"
    PIN = "Pin"
    THREAD_START = "ThreadStart"
    THREAD_EXIT = "ThreadExit"


@dataclass(frozen=True, slots=True)
class Recorder:
    """The ring of one thread: `head` events were ever written, the last `capacity` are kept."""

    RECORD: ClassVar[str] = "Recorder"

    head: int
    events: int
    capacity: int
    stride: int
    thread: int


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        order: its number in its ring, plus one; anything else marks a torn record.
        clock: orders events of all threads.
        time: nanoseconds of CLOCK_MONOTONIC.
        memop: id, 0 where it concerns none.
        event: an `EventKind`, or a name that is not known here; `old_value` and `new_value` mean
            what goes with it.
    """

    RECORD: ClassVar[str] = "Record"

    order: int
    clock: int
    time: int
    memop: int
    address: int
    old_value: int
    new_value: int
    event: str
    core: int


@dataclass(frozen=True, slots=True)
class Log:
    """Events of all threads, merged.

    Attributes:
        events: guest thread id and event, in the order of the clock.
        torn: how many records were being written when the target stopped, and were left out.
        matching: how many events there are, with those that were too old to be asked for.
        lost: rings that cannot be read: guest thread id and why.
    """

    events: tuple[tuple[int, Event], ...]
    torn: int
    matching: int
    lost: tuple[tuple[int, Absent], ...]
