"""From one phase of fault handling to the next.

In a handling the thread runs alone, so that what changed is what it did. Outside of one all threads
run, to the first phase of whoever faults next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.analysis.stepping.context import StepContext, step_context
from mtedbg.analysis.stepping.handling import fault_path, handling, on_fault, require_path
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.memops.phases import phase_places
from mtedbg.errors import (
    LayoutError,
    NoHardwareBreakpointError,
    NotOnThisTargetError,
    SteppingError,
)
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else
from mtedbg.model.handling import Handling, Position
from mtedbg.model.memop import Memop, MemopState, Mode
from mtedbg.model.phase import Phase
from mtedbg.model.stop import Halt, Stop, StopKind
from mtedbg.target import Stepper

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

INSTRUCTION = 4
MOST_PASSED = 1 << 10
"""Faults whose signals are passed on, of threads that do not come to a phase."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where to stop, which thread runs alone; the rest as in `Step`."""

    halts: tuple[Halt, ...]
    alone: Thread | None
    ran_as_one: Memop | None = None
    no_hardware_breakpoint: bool = False

    @property
    def addresses(self) -> frozenset[int]:
        """Where to stop."""
        return frozenset(halt.address for halt in self.halts)


def stepper_of(session: Session) -> Stepper:
    """The session's target, as what can let its process run.

    Raises:
        NotOnThisTargetError: it is a core, or nothing that can.
    """
    if session.info.is_dead:
        raise NotOnThisTargetError(
            "a core file cannot be resumed",
            "phases can be stepped through in a live process, under a debugger",
        )
    if not isinstance(session.target, Stepper):
        raise NotOnThisTargetError(
            "this debugger's adapter cannot resume the program", "use GDB or LLDB"
        )
    return session.target


@dataclass(frozen=True, slots=True)
class Step:
    """How a step ended.

    Attributes:
        stop: what stopped the program.
        context: where the thread is that stopped; None where the program has ended.
        arrived: whether that is where it was to stop.
        ran_as_one: the critical section of rseq(2) that was not stopped in.
        no_hardware_breakpoint: whether that went on to the next fault, for want of one.
    """

    stop: Stop
    context: StepContext | None
    arrived: bool
    ran_as_one: Memop | None
    no_hardware_breakpoint: bool


def step(session: Session, thread: Thread) -> Step:
    """Lets `thread` go on to its next phase.

    Args:
        session: a stopped process; what was read of it is forgotten.
        thread: which; where it is in no handling, all threads run.

    Raises:
        NotOnThisTargetError: it is no process that can be let run.
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
        SteppingError: the thread would not come to its next phase.
    """
    stepper = stepper_of(session)
    before = handling(session, require_path(session, thread))
    plan = _plan(session, thread, before)
    try:
        stop = _run(session, stepper, plan)
    except NoHardwareBreakpointError:
        if all(halt.by_steps for halt in plan.halts):
            raise  # the thread alone has to come there: a person can step it
        plan = _to_the_next_fault(session, plan)
        stop = _run(session, stepper, plan)
    if isinstance(stop.thread, Absent):
        return Step(stop, None, False, plan.ran_as_one, plan.no_hardware_breakpoint)
    context = step_context(session, session.thread(stop.thread), before)
    arrived = context.now.pc in plan.addresses
    return Step(stop, context, arrived, plan.ran_as_one, plan.no_hardware_breakpoint)


def _plan(session: Session, thread: Thread, before: Handling) -> _Plan:
    first, every = _halts(session, Phase.FAULT), _halts(session)
    if not every:
        raise LayoutError("the debug root names no phases", "mte-fault and memop still work")
    if before.position is Position.PHASE and before.phase is Phase.RESUME:
        return _Plan((_patched(before.resumes), *first), thread)
    if before.position is Position.INSERT and isinstance(before.memop, MemopState):
        memop = before.memop.memop
        if memop.starts_over:
            return _as_one(memop, first, thread)
        return _Plan((*map(_patched, _next_accesses(before, memop)), *first), thread)
    if before.position in (Position.ACCESS, Position.ELSEWHERE):
        return _Plan(first, None)
    _check_lock(session, before)
    return _Plan(every, thread)


def _next_accesses(before: Handling, memop: Memop) -> tuple[int, ...]:
    """Where a thread at [1], behind it or out of line may access memory next."""
    out_of_line = memop.covers_out_of_line(before.pc)
    goes_there = before.pc == memop.tag_address and before.form(1) is Mode.EITHER
    if out_of_line or goes_there:
        return tuple(at for at in memop.accesses[1:] if at >= before.pc or goes_there)
    return (memop.address,)


def _as_one(memop: Memop, first: tuple[Halt, ...], thread: Thread) -> _Plan:
    """Over a critical section: each stop in it would have the kernel start it over, for ever.

    Debuggers do the same with LDXR and STXR: whatever comes between them makes the store fail.
    """
    after = Halt(memop.address + INSTRUCTION, patched=True, by_steps=False)
    return _Plan((after, *first), thread, memop)


def _to_the_next_fault(session: Session, plan: _Plan) -> _Plan:
    """The same where nothing can be stopped at that may be patched: all threads run."""
    return _Plan(_halts(session, Phase.FAULT), None, plan.ran_as_one, no_hardware_breakpoint=True)


def _patched(address: int | Absent) -> Halt:
    if isinstance(address, Absent):
        raise SteppingError("where the handler returns to is not known", "continue with `stepi`")
    return Halt(address, patched=True)


def _halts(session: Session, phase: Phase | None = None) -> tuple[Halt, ...]:
    """The addresses of one phase, or of all."""
    places = [
        place
        for runtime in all_runtimes(session)
        for place in or_else(phase_places(runtime), ())
        if phase in (None, place.phase)
    ]
    return tuple(dict.fromkeys(Halt(place.address) for place in places))


def _check_lock(session: Session, before: Handling) -> None:
    """A thread that runs alone does not get a lock that another one holds."""
    if before.phase is not Phase.LOCK or not before.lock or before.lock == before.guest_thread:
        return
    others = [one for one in session.target.threads() if one.number != before.thread]
    running = (one.number for one in others if _runs(session, one, before.lock))
    who = next(running, None)
    holder = f"guest thread {before.lock}" + (f" (thread {who})" if who is not None else "")
    first = f"thread {who}" if who is not None else "its thread"
    raise SteppingError(
        f"{holder} holds the lock: thread {before.thread} would wait forever",
        f"select {first} and `mte-step` it past unlock first",
    )


def _runs(session: Session, thread: Thread, guest: int | Absent) -> bool:
    here = fault_path(session, thread)
    if isinstance(here, Absent):
        return False
    now = handling(session, here)
    return now.guest_thread == guest and now.in_handler


def _run(session: Session, stepper: Stepper, plan: _Plan) -> Stop:
    """Runs until a thread arrives; the signals of faults at memops are passed on meanwhile."""
    addresses = plan.addresses
    passed: Stop | None = None
    for _ in range(MOST_PASSED):
        try:
            stop = stepper.run_to(plan.halts, plan.alone)
        finally:
            session.invalidate()
        if stop.kind is not StopKind.SIGNAL or isinstance(stop.pc, Absent):
            break
        if session.strip(stop.pc) in addresses or not _is_handled(session, stop):
            break
        if passed is not None and (passed.thread, passed.pc) == (stop.thread, stop.pc):
            raise SteppingError(
                f"{stop.detail} does not reach the program's handler",
                f"have the debugger pass it on: handle {stop.detail} pass,"
                f" or in LLDB process handle --pass true {stop.detail}",
            )
        passed = stop
    if not isinstance(stop.pc, Absent) and session.strip(stop.pc) in addresses:
        return replace(stop, kind=StopKind.BREAKPOINT, detail="")
    return stop


def _is_handled(session: Session, stop: Stop) -> bool:
    """Whether the signal is that of a fault at a memop, which the handler is for."""
    thread = next((one for one in session.target.threads() if one.number == stop.thread), None)
    at = NOT_APPLICABLE if thread is None else fault_path(session, thread)
    if thread is None or isinstance(at, Absent) or isinstance(at.memop, Absent):
        return False
    return at.pc in at.memop.accesses and on_fault(session, thread)
