"""The flight recorder, in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.dataclass import dataclass
from mtedbg.decode.memops.recorder import read_log
from mtedbg.layout import Runtime
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.event import Event, EventKind

if TYPE_CHECKING:
    from mtedbg.session import Session

LAST = 64
"""Events where no number is given."""
MOST = 1 << 20

EventValue = int | str | Absent
"""A tag, an id, a name, an address in hexadecimal: as goes with the event."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event.

    Attributes:
        time: nanoseconds of CLOCK_MONOTONIC.
        thread: the guest thread; does not apply to the process's own events.
        event: an `EventKind`, or a name that is not known here.
        memop: id of the memop that it concerns.
        address: the guest address that it concerns.
        old: what was before.
        new: what is after.
        core: tag of the core that the thread was on.
    """

    time: int
    thread: int | Absent
    event: str
    memop: int | Absent
    address: int | Absent
    old: EventValue
    new: EventValue
    core: int | Absent


@dataclass(frozen=True, slots=True)
class RuntimeLog:
    """The events of one runtime that were asked for.

    Attributes:
        runtime: whose they are.
        events: the oldest first.
        matching: how many there are, with those that are too old to be asked for.
        torn: records that were being written, and are left out.
        lost: rings that cannot be read: guest thread id and why.
    """

    runtime: Runtime
    events: tuple[LoggedEvent, ...]
    matching: int
    torn: int
    lost: tuple[tuple[int, Absent], ...]


def log(
    session: Session,
    *,
    memop: int | None = None,
    thread: int | None = None,
    last: int | None = None,
) -> tuple[RuntimeLog, ...]:
    """The newest events of all threads of every runtime.

    Args:
        session: the process.
        memop: only events of the memop with this id.
        thread: only events of this guest thread.
        last: how many at most of each runtime; `LAST` where None.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    most = min(MOST, max(0, LAST if last is None else last))
    logs = []
    for runtime in all_runtimes(session):
        found = read_log(runtime, memop=memop, thread=thread, last=most)
        events = tuple(_logged(runtime, owner, event) for owner, event in found.events)
        logs.append(RuntimeLog(runtime, events, found.matching, found.torn, found.lost))
    return tuple(logs)


def _logged(runtime: Runtime, owner: int, event: Event) -> LoggedEvent:
    old, new = _FORMS.get(event.event, (_number, _number))
    return LoggedEvent(
        event.time,
        owner or NOT_APPLICABLE,
        event.event,
        event.memop or NOT_APPLICABLE,
        event.address or NOT_APPLICABLE,
        old(runtime, event.old_value),
        new(runtime, event.new_value),
        event.core if owner else NOT_APPLICABLE,
    )


def _number(_runtime: Runtime, value: int) -> EventValue:
    return value


def _address(_runtime: Runtime, value: int) -> EventValue:
    return hex(value)


def _nothing(_runtime: Runtime, _value: int) -> EventValue:
    return NOT_APPLICABLE


def _mode(runtime: Runtime, value: int) -> EventValue:
    return runtime.values("Mode").get(value, value)


def _tier(runtime: Runtime, value: int) -> EventValue:
    return runtime.values("Tier").get(value, value)


_Form = Callable[[Runtime, int], EventValue]
_FORMS: dict[str, tuple[_Form, _Form]] = {
    EventKind.PATCH: (_mode, _mode),
    EventKind.TIER_COMMIT: (_number, _tier),
    EventKind.LAZY_STUB: (_address, _address),
    EventKind.INTERPRET: (_nothing, _nothing),
    EventKind.RETRY: (_nothing, _nothing),
    EventKind.LOOKUP: (_nothing, _nothing),
}
"""What the values before and after are, where they are not plain numbers."""
