"""The death of a process: the fault that was first, and the signal that killed.

They differ where a handler answers a fault with another signal. A fault is certain where the thread
that was killed stopped on it, or is in its handler, or where nothing ran after that. It may have
been another thread's, and what has been left on a stack may tell of it: that is a hypothesis, where
anything ties it to the death, and none where nothing does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.behind import described, returned_fault, was_sent
from mtedbg.analysis.fault.fault import Fault, fault, handled_fault
from mtedbg.analysis.fault.left_frames import LeftFrame, left_frames
from mtedbg.dataclass import dataclass
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import NOT_APPLICABLE, Absent, then
from mtedbg.model.fault import Found
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.fault import SignalName
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session

_MOST_THREADS = 64
"""Other threads that are looked at."""


@dataclass(frozen=True, slots=True)
class Death:
    """Why and how a process died.

    Attributes:
        thread: whose fault it was.
        fault: the first; where there was none, the signal that killed.
        killed: the thread that took the signal that killed.
        signal: that signal.
        found: how the fault was found.
        certain: whether the fault led to the death; else it is a hypothesis.
        evidence: what that rests on, one line each; empty where the fault is the signal itself.
    """

    thread: Thread
    fault: Fault
    killed: Thread
    signal: SignalInfo | Absent
    found: Found = Found.SIGNAL
    certain: bool = True
    evidence: tuple[str, ...] = ()

    @property
    def killer(self) -> SignalName | Absent:
        """The signal that killed by name; does not apply where the fault is that itself."""
        return NOT_APPLICABLE if self.found is Found.SIGNAL else then(self.signal, name_signal)


@once
def death(session: Session) -> Death:
    """How the process of `session` died.

    Raises:
        NoTargetError: it has no threads.
    """
    killed = session.current_thread()
    signal, met = session.target.signal(killed), fault(session, killed)
    before = met.interrupted
    if before is not None:
        return Death(killed, met, killed, signal, before.found, before.certain, before.evidence)
    if was_sent(signal) and session.info.is_dead:
        found = next(_elsewhere(session, killed, signal), None)
        if found is not None:
            return found
    return Death(killed, met, killed, signal)


def _elsewhere(session: Session, killed: Thread, signal: SignalInfo | Absent) -> Iterator[Death]:
    """Deaths by a fault that the thread that was killed is not in the handler of."""
    name, number = then(signal, name_signal), then(signal, lambda one: one.number)
    others = [one for one in session.threads()[:_MOST_THREADS] if one != killed]
    found = [(one, met) for one in others if (met := _of_other(session, one, name)) is not None]
    found.sort(key=lambda pair: (pair[1].tag_check is None, pair[1].interrupted is None))
    for thread, met in found:
        before = met.interrupted
        if before is None or isinstance(met.signal, Absent):
            continue
        same = met.tag_check is not None or met.signal.number == number
        tied = before.certain and same
        yield Death(thread, met, killed, signal, before.found, tied, before.evidence)
    yield from _left_behind(session, killed, signal)


def _of_other(session: Session, thread: Thread, later: SignalName | Absent) -> Fault | None:
    """The fault that another thread is in the handler of, or has just returned from it."""
    met = fault(session, thread)
    if met.interrupted is not None:
        return met
    before = returned_fault(session, thread)
    return None if before is None else handled_fault(session, thread, before, later)


def _left_behind(session: Session, killed: Thread, signal: SignalInfo | Absent) -> Iterator[Death]:
    """A fault that nothing but a signal frame tells of, where the same signal killed."""
    number = then(signal, lambda one: one.number)
    same = [one for one in left_frames(session) if one.fault.number == number]
    if len({one.frame.registers["pc"] for one in same}) != 1:
        return  # several: which one led to the death cannot be told
    first = same[0]
    why = ("the signal that killed is that of a fault whose signal frame is still there",)
    before = described(first.frame, first.fault, Found.LEFT, *why)
    thread = first.thread or killed
    met = handled_fault(session, thread, before, then(signal, name_signal))
    yield Death(thread, met, killed, signal, Found.LEFT, False, why)


def earlier_faults(session: Session) -> tuple[LeftFrame, ...]:
    """Faults before the death that nothing ties to it."""
    found = death(session)
    about = found.fault.interrupted
    known = None if about is None else about.source
    return tuple(
        one
        for one in left_frames(session)
        if described(one.frame, one.fault, Found.LEFT).source != known and not one.returned
    )
