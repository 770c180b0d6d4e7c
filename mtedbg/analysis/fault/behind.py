"""The fault behind the signal that a thread stopped on: the one whose handler it was in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.fault.handlers import handlers, is_asynchronous
from mtedbg.analysis.fault.left_frames import returned_frame
from mtedbg.analysis.interrupted import InterruptedFault
from mtedbg.formats.siginfo import SEGV_MTEAERR, SIGSEGV, name_signal, signal_info
from mtedbg.model.absent import Absent
from mtedbg.model.fault import Found
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.decode.stack.signal_frame import SignalFrame
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session


_UNINFORMED = (
    "its handler asked for no siginfo: signal and code are by the rest of the signal frame, and by"
    " the access"
)


_NO_SYNDROME = (
    "tag checks of the thread are asynchronous, and the signal frame has no ESR_EL1: every other"
    " SIGSEGV that the kernel raises has one, one that was sent has none"
)


@once
def fault_behind(session: Session, thread: Thread) -> InterruptedFault | None:
    """The first fault whose handler `thread` is in, or has returned from to be sent a signal."""
    inside = handlers(session, thread)
    for one in reversed(inside):
        if one.fault is not None:
            return described(one.frame, one.fault, Found.HANDLER, one.evidence)
    for one in reversed(inside):
        if is_asynchronous(thread, one.frame):
            fault = signal_info(SIGSEGV, SEGV_MTEAERR, 0)
            why = (one.evidence, _NO_SYNDROME)
            return described(one.frame, fault, Found.HANDLER, *why, certain=False)
    if not was_sent(session.target.signal(thread)):
        return None
    return returned_fault(session, thread)


def returned_fault(session: Session, thread: Thread) -> InterruptedFault | None:
    """The fault whose handler has just returned to `thread`."""
    left = returned_frame(session, thread)
    if left is None:
        return None
    why = "its registers are those that the handler returned to"
    return described(left.frame, left.fault, Found.RETURNED, why)


def was_sent(info: SignalInfo | Absent) -> bool:
    """Whether a signal may hide another: it was sent, or its code is not known."""
    if isinstance(info, Absent):
        return False
    return isinstance(info.code, Absent) or name_signal(info).sent


def described(
    frame: SignalFrame, fault: SignalInfo, found: Found, *evidence: str, certain: bool = True
) -> InterruptedFault:
    """The fault that a signal frame describes."""
    told = frame.informed and frame.signal == fault
    untold = () if told else (_UNINFORMED,)
    return InterruptedFault(
        fault,
        frame.registers,
        f"signal frame at {frame.address:#x}",
        done=False,
        found=found,
        evidence=(*evidence, *untold),
        syndrome=frame.syndrome,
        certain=found is not Found.LEFT and certain,
    )
