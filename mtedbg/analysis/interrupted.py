"""The fault whose handler a thread is in: the kernel put all about it on the handler's stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import current_pc
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else
from mtedbg.model.fault import Found
from mtedbg.session import once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mtedbg.decode.stack.context import Context
    from mtedbg.layout import Runtime
    from mtedbg.model.memop import Memop
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session

DONE = "done: the memop is resumed at [1]"


@dataclass(frozen=True, slots=True)
class InterruptedFault:
    """A fault that has a handler, as the kernel described it to that.

    Attributes:
        signal: as the kernel gave it to the handler.
        registers: of the interrupted code, the PC at the instruction that faulted.
        source: where they were found, "signal frame at 0x…".
        done: whether the handler has set the PC to go on with.
        memory_tag: what the memory's tag was, where the handler may have changed it since.
        found: whether the handler runs, has just returned, or ran at some time.
        evidence: why that is so, one line each.
        syndrome: ESR_EL1 of the fault; None where it is not known.
        certain: whether it was this fault; else it may have been.
        is_exception: whether a processor took it, and no signal was sent: a machine has none.
    """

    signal: SignalInfo
    registers: Mapping[str, int]
    source: str
    done: bool
    memory_tag: int | Absent = NOT_APPLICABLE
    found: Found = Found.HANDLER
    evidence: tuple[str, ...] = ()
    syndrome: int | None = None
    certain: bool = True
    is_exception: bool = False


@once
def interrupted_fault(session: Session, thread: Thread) -> InterruptedFault | None:
    """The fault in translated code whose handler `thread` is in; None where it is in none."""

    def ask(runtime: Runtime) -> InterruptedFault | None:
        from mtedbg.decode.stack.guest_frame import interrupted_by_signal

        context = interrupted_by_signal(runtime, thread, session.info.pac_mask)
        if context is None or isinstance(context.signal, Absent):
            return None
        return _of(session, runtime, context, context.signal)

    return next(filter(None, session.from_runtimes(ask)), None)


def place_of_death(session: Session, thread: Thread) -> tuple[int | Absent, bool]:
    """The PC that a post-mortem speaks of, and whether a signal handler has interrupted it.

    A thread that died in the handler of an earlier fault was, before that, in translated code.
    """
    before = interrupted_fault(session, thread)
    if before is None:
        return current_pc(session, thread), False
    return session.strip(before.registers["pc"]), True


def _of(
    session: Session, runtime: Runtime, context: Context, signal: SignalInfo
) -> InterruptedFault:
    """The handler's last act is to set the PC to [1]: the fault was at [2]."""
    from mtedbg.decode.memops.memop import memop_at
    from mtedbg.model.memop import Memop

    pc = session.strip(context.registers["pc"])
    memop = memop_at(runtime, pc)
    done = isinstance(memop, Memop) and pc == memop.start
    if isinstance(memop, Absent):
        return InterruptedFault(signal, context.registers, context.source, done)
    registers = {**context.registers, "pc": memop.address if done else pc}
    tag = _tag_before(runtime, memop, done=done)
    return InterruptedFault(signal, registers, context.source, done, tag)


def _tag_before(runtime: Runtime, memop: Memop, *, done: bool) -> int | Absent:
    """By the journal, which is open while something is changed, or afterwards the recorder."""
    from mtedbg.decode.memops.journal import in_flight
    from mtedbg.decode.memops.recorder import read_log
    from mtedbg.model.event import EventKind

    for entry in or_else(in_flight(runtime), ()):
        if entry.memop == memop.id:
            return entry.old_tag
    if not done:
        return NOT_APPLICABLE
    faults = [
        one for _, one in read_log(runtime, memop=memop.id).events if one.event == EventKind.FAULT
    ]
    return faults[-1].new_value if faults else NOT_APPLICABLE
