"""The guest of a translator without a debug root, as that translator keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import guest_of
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.analysis.stacks.walk import FrameKind
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.foreign_code import ForeignGuest
    from mtedbg.model.process import Thread
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class ForeignGuestOnThread:
    """What a host thread runs.

    Attributes:
        thread: the host thread.
        pc: the host's PC in translated code, without tag and PAC bits.
        level: of the frame of the host's calls that is in translated code.
        guest: the guest's state there.
    """

    thread: Thread
    pc: int
    level: int
    guest: ForeignGuest


@once
def foreign_guest(session: Session, thread: Thread) -> ForeignGuestOnThread | Absent:
    """The guest that `thread` runs: of the innermost frame in translated code.

    Does not apply where no frame is in code of a translator that can be asked.
    """
    calls = host_calls(session, thread)
    if isinstance(calls, Absent):
        return calls
    for level, frame in enumerate(calls.frames):
        if frame.kind not in (FrameKind.JIT, FrameKind.INTERRUPTED):
            continue
        pc = frame.pc - 1 if frame.after_call else frame.pc
        guest = guest_of(session, pc, frame.registers)
        if not isinstance(guest, Absent):
            return ForeignGuestOnThread(thread, frame.pc, level, guest)
        if guest.is_hole:
            return guest
    return NOT_APPLICABLE
