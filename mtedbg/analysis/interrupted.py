"""The fault whose handler a thread is in: the kernel put all about it on the handler's stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import current_pc
from mtedbg.decode.memops.journal import in_flight
from mtedbg.decode.memops.memop import memop_at
from mtedbg.decode.memops.recorder import read_log
from mtedbg.decode.stack.guest_frame import interrupted_by_signal
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.event import EventKind
from mtedbg.model.memop import Memop
from mtedbg.model.process import SignalInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mtedbg.decode.stack.context import Context
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

DONE = "done: the memop is resumed at [1]"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A fault that is being handled.

    Attributes:
        signal: as the kernel gave it to the handler.
        registers: of the interrupted code, the PC at the instruction that faulted.
        source: where they were found, "signal frame at 0x…".
        done: whether the handler has set the PC to go on with.
        memory_tag: what the memory's tag was, where the handler may have changed it since.
    """

    signal: SignalInfo
    registers: Mapping[str, int]
    source: str
    done: bool
    memory_tag: int | Absent = NOT_APPLICABLE


def earlier(session: Session) -> Earlier | None:
    """The fault in translated code whose handler the session's thread is in; None where none."""
    runtimes = session.runtimes
    for runtime in () if isinstance(runtimes, Absent) else runtimes:
        try:
            context = interrupted_by_signal(runtime, session.thread(), session.info.pac_mask)
            if context is not None and isinstance(context.signal, SignalInfo):
                return _earlier(session, runtime, context, context.signal)
        except LayoutError:
            continue
    return None


def place_of_death(session: Session) -> tuple[int | Absent, bool]:
    """The PC that a post-mortem speaks of, and whether a signal handler has interrupted it.

    A thread that died in the handler of an earlier fault was, before that, in translated code.
    """
    before = earlier(session)
    if before is None:
        return current_pc(session), False
    return session.strip(before.registers["pc"]), True


def _earlier(session: Session, runtime: Runtime, context: Context, signal: SignalInfo) -> Earlier:
    """The handler's last act is to set the PC to [1]: the fault was at [2]."""
    pc = session.strip(context.registers["pc"])
    memop = memop_at(runtime, pc)
    done = isinstance(memop, Memop) and pc == memop.start
    if isinstance(memop, Absent):
        return Earlier(signal, context.registers, context.source, done)
    registers = {**context.registers, "pc": memop.address if done else pc}
    tag = _tag_before(runtime, memop, done=done)
    return Earlier(signal, registers, context.source, done, tag)


def _tag_before(runtime: Runtime, memop: Memop, *, done: bool) -> int | Absent:
    """By the journal, which is open while something is changed, or afterwards the recorder."""
    entries = in_flight(runtime)
    for entry in () if isinstance(entries, Absent) else entries:
        if entry.memop == memop.id:
            return entry.old_tag
    if not done:
        return NOT_APPLICABLE
    faults = [
        one for _, one in read_log(runtime, memop=memop.id).events if one.event == EventKind.FAULT
    ]
    return faults[-1].new_value if faults else NOT_APPLICABLE
