"""A fault handling in progress, in its current state."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from mtedbg.analysis.code.frame_name import place_name
from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.analysis.tags.runs import by_granule
from mtedbg.dataclass import dataclass
from mtedbg.decode.code.code_map import locate
from mtedbg.decode.memops.journal import in_flight
from mtedbg.decode.memops.memop import NEEDS, memop_at, state_of
from mtedbg.decode.memops.pair import pair_of, passed_insert
from mtedbg.decode.memops.phases import lock_holder, phase_places
from mtedbg.decode.stack.guest_frame import interrupted_by_signal
from mtedbg.decode.stack.registers import register_number, role_value
from mtedbg.errors import SteppingError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.model.frame import GuestFrame
from mtedbg.model.handling import Granule, Handling, Other, OtherPlace, Position
from mtedbg.model.memop import Memop, MemopState
from mtedbg.model.operation import OF_MEMORY
from mtedbg.model.phase import Phase
from mtedbg.model.pointer import granule_span
from mtedbg.model.process import SignalInfo
from mtedbg.model.runtime import Journal
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

LONGEST_MEMOP = 64
"""Bytes that a memop accesses at most: a bound on what is read of hostile records."""
MOST_OTHERS = 256
"""Threads that are looked at."""
FAULT_SIGNALS = (7, 11)
"""SIGBUS and SIGSEGV: what a runtime's fault handler is asked about."""


@dataclass(frozen=True, slots=True)
class FaultPath:
    """Where a thread is on the way of a fault, and what it runs or has interrupted.

    Attributes:
        runtime: whose code and handler it is.
        thread: which.
        pc: of the thread, stripped.
        registers: of the translated code: the thread's own, or those in its signal frame.
        phase: at whose address the thread is.
        in_handler: whether it runs a signal handler that interrupted translated code.
        memop: that the translated code is at.
    """

    runtime: Runtime
    thread: Thread
    pc: int
    registers: Mapping[str, int]
    phase: Phase | Absent
    in_handler: bool
    memop: Memop | Absent

    @property
    def at(self) -> int:
        """The PC of the translated code."""
        return self.registers.get("pc", 0)


@once
def fault_path(session: Session, thread: Thread) -> FaultPath | Absent:
    """Where `thread` is on the way of a fault.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: a debug root is damaged, or does not tell what this needs.
    """
    registers = session.target.registers(thread)
    if isinstance(registers, Absent):
        return registers
    pc = session.strip(registers.get("pc", 0))
    found: list[FaultPath] = []
    for runtime in all_runtimes(session):
        runtime.layout.require(NEEDS)
        found.append(_path(session, runtime, thread, pc, registers))
        if found[-1].in_handler or isinstance(found[-1].memop, Memop):
            break
    return found[-1]


def _path(
    session: Session, runtime: Runtime, thread: Thread, pc: int, registers: Mapping[str, int]
) -> FaultPath:
    places = or_else(phase_places(runtime), ())
    phases: dict[int, Phase | Absent] = {one.address: one.phase for one in places}
    phase = phases.get(pc, NOT_APPLICABLE)
    context = interrupted_by_signal(runtime, thread, session.info.pac_mask)
    if context is not None:
        at = session.strip(context.registers["pc"])
        found = {**context.registers, "pc": at}
        return FaultPath(runtime, thread, pc, found, phase, True, memop_at(runtime, at))
    found = {**registers, "pc": pc}
    return FaultPath(runtime, thread, pc, found, phase, False, memop_at(runtime, pc))


def require_path(session: Session, thread: Thread) -> FaultPath:
    """Where `thread` is on the way of a fault; errors as for `fault_path`.

    Raises:
        SteppingError: its registers cannot be had.
    """
    here = fault_path(session, thread)
    if isinstance(here, Absent):
        raise SteppingError(f"thread {thread.number} cannot be looked at: {here}")
    return here


def handling(session: Session, here: FaultPath, before: Handling | None = None) -> Handling:
    """All that a fault's handling changes, as a thread has to do with it now.

    Args:
        session: a stopped process.
        here: where the thread is.
        before: an earlier state of the same thread: of the same memop, where the code that is
            going on no longer tells it (its handler performed the access).

    Raises:
        LayoutError: the debug root does not tell what this needs.
    """
    thread = here.thread
    runtime, registers = here.runtime, here.registers
    memop = _memop(here, before)
    pointer = registers.get(f"x{register_number(runtime, 'address')}", Absent(Reason.UNREADABLE))
    core = role_value(runtime, "host_core_id", registers)
    return Handling(
        thread.number,
        then(guest_frame(runtime, registers), lambda guest: guest.thread_id),
        _position(session, here),
        here.phase,
        here.pc,
        here.at if here.in_handler else NOT_APPLICABLE,
        then(memop, partial(state_of, runtime)),
        function_of(runtime, memop),
        pointer if isinstance(memop, Memop) else NOT_APPLICABLE,
        then(pointer, session.strip) if isinstance(memop, Memop) else NOT_APPLICABLE,
        NOT_APPLICABLE if core is None else core,
        granules_of(session, memop, pointer),
        lock_holder(runtime),
        then(in_flight(runtime), of_memops),
        _others(session, runtime, thread, memop),
    )


def function_of(runtime: Runtime, memop: Memop | Absent) -> str:
    """The name of the guest function that `memop` is in; empty where there is none."""
    if isinstance(memop, Absent):
        return ""
    return place_name(runtime, locate(runtime, memop.address))


def _memop(here: FaultPath, before: Handling | None) -> Memop | Absent:
    if isinstance(here.memop, Memop) or not here.in_handler:
        return here.memop
    if before is None or not isinstance(before.memop, MemopState):
        return here.memop
    again = memop_at(here.runtime, before.memop.memop.address)
    same = isinstance(again, Memop) and again.id == before.memop.memop.id
    return again if same else here.memop


def _position(session: Session, here: FaultPath) -> Position:
    if present(here.phase):
        return Position.PHASE
    if here.in_handler:
        return Position.HANDLER
    if isinstance(here.memop, Absent):
        return Position.ELSEWHERE
    if here.pc not in here.memop.accesses:
        return Position.INSERT
    return Position.SIGNAL if on_fault(session, here.thread) else Position.ACCESS


def on_fault(session: Session, thread: Thread) -> bool:
    """Whether a fault's signal has stopped `thread`, which the program has not had yet."""
    signal = session.target.signal(thread)
    return isinstance(signal, SignalInfo) and signal.number in FAULT_SIGNALS


def guest_frame(runtime: Runtime, registers: Mapping[str, int]) -> GuestFrame | Absent:
    """The guest frame that translated code with these registers works for."""
    address = role_value(runtime, "frame", registers)
    return NOT_APPLICABLE if address is None else runtime.record(GuestFrame, address)


def granules_of(
    session: Session, memop: Memop | Absent, pointer: int | Absent
) -> tuple[Granule, ...]:
    """The granules that the memop's access by `pointer` touches."""
    if isinstance(memop, Absent) or isinstance(pointer, Absent):
        return ()
    length = max(1, min(memop.size, LONGEST_MEMOP))
    start, end = granule_span(session.strip(pointer), length)
    tags = by_granule(session.target.read_tags(start, end))
    return tuple(Granule(address, tag) for address, tag in tags.items())


def of_memops(entries: tuple[Journal, ...]) -> Journal | Absent:
    """The change of memops or tags that is in flight; the code map's are not of this way."""
    return next((entry for entry in entries if entry.operation in OF_MEMORY), NOT_APPLICABLE)


def _others(
    session: Session, runtime: Runtime, thread: Thread, memop: Memop | Absent
) -> tuple[Other, ...]:
    if isinstance(memop, Absent):
        return ()
    others = [one for one in session.target.threads() if one.number != thread.number]
    found = (_other(session, runtime, one, memop) for one in others[:MOST_OTHERS])
    return tuple(one for one in found if one is not None)


def _other(session: Session, runtime: Runtime, thread: Thread, memop: Memop) -> Other | None:
    registers = session.target.registers(thread)
    if isinstance(registers, Absent):
        return None
    pc = session.strip(registers.get("pc", 0))
    if not memop.covers(pc):
        here = _path(session, runtime, thread, pc, registers)
        if not here.in_handler or not memop.covers(here.at):
            return None
        place = OtherPlace.PHASE if present(here.phase) else OtherPlace.HANDLER
        return Other(thread.number, place, here.phase)
    if memop.covers_out_of_line(pc):
        return Other(thread.number, OtherPlace.OUT_OF_LINE)
    if not passed_insert(memop, pc):
        return Other(thread.number, _before_access(memop, pc))
    pair = pair_of(runtime, state_of(runtime, memop), registers)
    if isinstance(pair, Absent):
        return Other(thread.number, OtherPlace.BETWEEN, stale=pair)
    return Other(
        thread.number,
        OtherPlace.BETWEEN,
        tag=pair.left,
        stale=pair.stale,
        meaning=pair.meaning if pair.stale else "",
    )


def _before_access(memop: Memop, pc: int) -> OtherPlace:
    if not memop.tag_address:
        return OtherPlace.ACCESS
    return OtherPlace.INSERT if pc == memop.tag_address else OtherPlace.BEFORE_INSERT
