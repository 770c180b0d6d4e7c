"""The guest thread that a host thread runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.dataclass import dataclass
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present, then
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.frame import Guest
    from mtedbg.model.process import Thread
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class GuestOnThread:
    """What a host thread runs.

    Attributes:
        thread: the host thread.
        runtime: whose guest it is; where there is none, the last of the process.
        guest: the guest thread; does not apply where the host thread runs none.
    """

    thread: Thread
    runtime: Runtime
    guest: Guest | Absent


@once
def guest_on(session: Session, thread: Thread) -> GuestOnThread:
    """The guest thread that `thread` runs, its registers and core ids.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: a debug root is damaged, or lacks what this needs.
    """
    from mtedbg.decode.stack.guest_frame import guest_of

    asked: list[GuestOnThread] = []
    for runtime in all_runtimes(session):
        guest = guest_of(runtime, thread, session.info.pac_mask)
        asked.append(GuestOnThread(thread, runtime, guest))
        if present(guest):
            break
    return asked[-1]


@once
def parked_on(session: Session, thread: Thread) -> tuple[tuple[Runtime, Guest], ...]:
    """The guest threads that wait for their turn on `thread`, and whose runtime's they are.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: a debug root is damaged, or lacks what this needs.
    """
    from mtedbg.decode.stack.guest_frame import parked_guests

    return tuple(
        (runtime, guest)
        for runtime in all_runtimes(session)
        for guest in parked_guests(runtime, thread)
    )


@once
def known_guest(session: Session, thread: Thread) -> Guest | Absent:
    """The guest thread that `thread` runs, of any runtime that can tell; never raises.

    Does not apply where the thread runs no guest; what is wrong is the hole's reason.
    """
    runtimes = session.runtimes
    if isinstance(runtimes, Absent):
        return runtimes if runtimes.reason is Reason.DAMAGED else NOT_APPLICABLE
    hole = NOT_APPLICABLE
    for runtime in runtimes:
        found = _guest_of(session, runtime, thread)
        if not isinstance(found, Absent):
            return found
        hole = found if found.is_hole else hole
    return hole


def _guest_of(session: Session, runtime: Runtime, thread: Thread) -> Guest | Absent:
    from mtedbg.decode.stack.guest_frame import guest_of

    try:
        return guest_of(runtime, thread, session.info.pac_mask)
    except LayoutError as error:
        return Absent(Reason.DAMAGED, error.message)


def own_tag(session: Session, thread: Thread) -> int | Absent:
    """The tag of the core that `thread` runs on, as its guest frame says; see `known_guest`."""
    return then(known_guest(session, thread), lambda guest: guest.cores.frame)
