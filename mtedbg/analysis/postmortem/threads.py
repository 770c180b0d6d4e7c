"""All threads of a process in short: where each stood, and what it was about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import symbolize
from mtedbg.analysis.memops.stale import stale_pair
from mtedbg.analysis.stacks.guest_frame import known_guest
from mtedbg.dataclass import dataclass
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import Absent, Reason, then

if TYPE_CHECKING:
    from mtedbg.model.fault import SignalName
    from mtedbg.model.frame import Guest
    from mtedbg.model.process import Thread
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class ThreadState:
    """Where a thread stood.

    Attributes:
        thread: which.
        pc: without tag and PAC bits.
        place: what that lies in.
        signal: that it stopped on.
        stale_memop: id of the memop that it has a stale pair of; None for none.
        guest: the guest thread that it ran.
    """

    thread: Thread
    pc: int | Absent
    place: str | Absent
    signal: SignalName | Absent
    stale_memop: int | None
    guest: Guest | Absent


def thread_states(session: Session, most: int) -> tuple[ThreadState, ...]:
    """The threads in the target's order.

    Args:
        session: where.
        most: threads at most.
    """
    return tuple(_state(session, thread) for thread in session.target.threads()[:most])


def _state(session: Session, thread: Thread) -> ThreadState:
    pc = _pc(session, thread)
    stale = stale_pair(session, thread)
    return ThreadState(
        thread,
        pc,
        then(pc, lambda at: str(symbolize(session, at)) or Absent(Reason.UNKNOWN)),
        then(session.target.signal(thread), name_signal),
        None if stale is None else stale.memop.id,
        known_guest(session, thread),
    )


def _pc(session: Session, thread: Thread) -> int | Absent:
    registers = session.target.registers(thread)
    if isinstance(registers, Absent) or "pc" not in registers:
        return Absent(Reason.NOT_RECORDED)
    return session.strip(registers["pc"])
