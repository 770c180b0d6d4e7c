"""The fault behind the signal that a thread stopped on: the one whose handler it was in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.fault.handlers import handlers
from mtedbg.analysis.fault.left_frames import returned_frame
from mtedbg.analysis.interrupted import InterruptedFault
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import Absent
from mtedbg.model.fault import Found
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.decode.stack.signal_frame import SignalFrame
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session


@once
def fault_behind(session: Session, thread: Thread) -> InterruptedFault | None:
    """The first fault whose handler `thread` is in, or has returned from to be sent a signal."""
    of_faults = [one for one in handlers(session, thread) if one.is_of_fault]
    if of_faults:
        first = of_faults[-1]
        return described(first.frame, Found.HANDLER, first.evidence)
    if not was_sent(session.target.signal(thread)):
        return None
    frame = returned_frame(session, thread)
    if frame is None:
        return None
    return described(frame, Found.RETURNED, "its registers are those that the handler returned to")


def was_sent(info: SignalInfo | Absent) -> bool:
    """Whether a signal may hide another: it was sent, or its code is not known."""
    if isinstance(info, Absent):
        return False
    return isinstance(info.code, Absent) or name_signal(info).sent


def described(frame: SignalFrame, found: Found, *evidence: str) -> InterruptedFault:
    """The fault that a signal frame describes."""
    return InterruptedFault(
        frame.signal,
        frame.registers,
        f"signal frame at {frame.address:#x}",
        done=False,
        found=found,
        evidence=evidence,
        syndrome=frame.syndrome,
    )
