"""A fault handling in progress, as it is at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtedbg.analysis.code.frame_name import place_name
from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.analysis.tags.runs import by_granule
from mtedbg.decode.code.code_map import locate
from mtedbg.decode.memops.journal import in_flight
from mtedbg.decode.memops.memop import NEEDS, memop_at, state_of
from mtedbg.decode.memops.pair import pair_of, passed_insert
from mtedbg.decode.memops.phases import lock_holder, phase_points
from mtedbg.decode.stack.guest_frame import interrupted_by_signal
from mtedbg.decode.stack.registers import register_number, role_value
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.frame import GuestFrame
from mtedbg.model.handling import Granule, Handling, Other, Position
from mtedbg.model.memop import Memop, MemopState
from mtedbg.model.operation import OF_MEMORY
from mtedbg.model.pointer import granule_span
from mtedbg.model.process import SignalInfo
from mtedbg.model.runtime import Journal

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
class Road:
    """Where a thread is, and the translated code that it runs or has interrupted.

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
    phase: str | Absent
    in_handler: bool
    memop: Memop | Absent

    @property
    def at(self) -> int:
        """The PC of the translated code."""
        return self.registers.get("pc", 0)


def road(session: Session, thread: Thread) -> Road | Absent:
    """Where `thread` is on the road of a fault.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: a debug root is damaged, or does not tell what this needs.
    """
    registers = session.target.registers(thread)
    if isinstance(registers, Absent):
        return registers
    pc = session.strip(registers.get("pc", 0))
    roads = []
    for runtime in all_runtimes(session):
        runtime.layout.require(NEEDS)
        roads.append(_road(session, runtime, thread, pc, registers))
        if roads[-1].in_handler or isinstance(roads[-1].memop, Memop):
            break
    return roads[-1]


def _road(
    session: Session, runtime: Runtime, thread: Thread, pc: int, registers: Mapping[str, int]
) -> Road:
    points = phase_points(runtime)
    names = {} if isinstance(points, Absent) else {one.address: one.name for one in points}
    phase = names.get(pc, NOT_APPLICABLE)
    context = interrupted_by_signal(runtime, thread, session.info.pac_mask)
    if context is not None:
        at = session.strip(context.registers["pc"])
        found = {**context.registers, "pc": at}
        return Road(runtime, thread, pc, found, phase, True, memop_at(runtime, at))
    return Road(
        runtime, thread, pc, {**registers, "pc": pc}, phase, False, memop_at(runtime, pc)
    )  # fmt: skip


def handling(session: Session, thread: Thread, before: Handling | None = None) -> Handling | Absent:
    """All that a fault's handling changes, as `thread` has to do with it now.

    Args:
        session: a stopped process.
        thread: which.
        before: an earlier moment of the same thread: of the same memop, where the code that is
            going on no longer tells it (its handler performed the access).

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: a debug root is damaged, or does not tell what this needs.
    """
    here = road(session, thread)
    if isinstance(here, Absent):
        return here
    runtime, registers = here.runtime, here.registers
    memop = _memop(here, before)
    pointer = registers.get(f"x{register_number(runtime, 'address')}", Absent(Reason.UNREADABLE))
    entries = in_flight(runtime)
    guest = guest_frame(runtime, registers)
    core = role_value(runtime, "host_core_id", registers)
    return Handling(
        thread.number,
        guest if isinstance(guest, Absent) else guest.thread_id,
        _position(session, here),
        here.phase,
        here.pc,
        here.at if here.in_handler else NOT_APPLICABLE,
        memop if isinstance(memop, Absent) else state_of(runtime, memop),
        function_of(runtime, memop),
        pointer if isinstance(memop, Memop) else NOT_APPLICABLE,
        NOT_APPLICABLE if core is None else core,
        granules_of(session, memop, pointer),
        lock_holder(runtime),
        entries if isinstance(entries, Absent) else of_memops(entries),
        _others(session, runtime, thread, memop),
    )


def function_of(runtime: Runtime, memop: Memop | Absent) -> str:
    """The name of the guest function that `memop` is in; empty where there is none."""
    if isinstance(memop, Absent):
        return ""
    return place_name(runtime, locate(runtime, memop.address))


def _memop(here: Road, before: Handling | None) -> Memop | Absent:
    if isinstance(here.memop, Memop) or not here.in_handler:
        return here.memop
    if before is None or not isinstance(before.memop, MemopState):
        return here.memop
    again = memop_at(here.runtime, before.memop.memop.address)
    same = isinstance(again, Memop) and again.id == before.memop.memop.id
    return again if same else here.memop


def _position(session: Session, here: Road) -> Position:
    if isinstance(here.phase, str):
        return Position.PHASE
    if here.in_handler:
        return Position.HANDLER
    if isinstance(here.memop, Absent):
        return Position.ELSEWHERE
    if here.pc != here.memop.address:
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
    """The change of memops or tags that is in flight; the code map's are not of this road."""
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
        here = _road(session, runtime, thread, pc, registers)
        if not here.in_handler or not memop.covers(here.at):
            return None
        where = f"at phase {here.phase}" if isinstance(here.phase, str) else "in the handler"
        return Other(thread.number, f"{where} of its own fault")
    if not passed_insert(memop, pc):
        before = "at [1]" if pc == memop.tag_address else "before [1]"
        return Other(thread.number, before if memop.tag_address else "at [2]")
    pair = pair_of(runtime, state_of(runtime, memop), registers)
    if isinstance(pair, Absent):
        return Other(thread.number, "between [1] and [2]", stale=pair)
    meaning = pair.meaning if pair.stale else ""
    return Other(thread.number, "between [1] and [2]", pair.left, pair.stale, meaning)
