"""From one phase of fault handling to the next.

In a handling the thread runs alone, so that what changed is what it did. Outside of one all threads
run, to the first phase of whoever faults next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.analysis.stepping.items import items
from mtedbg.analysis.stepping.phases import handling, on_fault, road
from mtedbg.analysis.stepping.report import moment_report
from mtedbg.decode.memops.phases import phase_points
from mtedbg.errors import (
    LayoutError,
    NoHardwareBreakpointError,
    NotOnThisTargetError,
    SteppingError,
)
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.handling import Handling, Item, Position
from mtedbg.model.memop import Memop, MemopState
from mtedbg.model.stop import Halt, Stop, StopKind
from mtedbg.report import Column, Report, flat
from mtedbg.target import Stepper

if TYPE_CHECKING:
    from mtedbg.model.process import TargetInfo, Thread
    from mtedbg.session import Session

INSTRUCTION = 4
MOST_PASSED = 1 << 10
"""Faults whose signals are passed on, of threads that do not come to a phase."""
FIRST, LOCK, LAST = "fault", "lock", "resume"


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where to stop, which thread runs alone, and what is to be said of it."""

    halts: tuple[Halt, ...]
    alone: Thread | None
    remark: str = ""


def stepper_of(session: Session) -> Stepper:
    """The session's target, as what can let its process run.

    Raises:
        NotOnThisTargetError: it is a core, or nothing that can.
    """
    if session.info.kind == "core":
        raise NotOnThisTargetError(
            "a core cannot be let run", "phases can be walked in a live process, under a debugger"
        )
    if not isinstance(session.target, Stepper):
        raise NotOnThisTargetError(
            "this debugger's adapter cannot let the program run", "use GDB or LLDB"
        )
    return session.target


def step(session: Session, command: str, columns: tuple[Column, ...]) -> Report:
    """Lets the session's thread go on to its next phase.

    Args:
        session: a stopped process.
        command: to be named in the report.
        columns: of the report.

    Raises:
        NotOnThisTargetError: it is no process that can be let run.
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
        SteppingError: the thread would not come to its next phase.
    """
    stepper = stepper_of(session)
    thread = session.thread()
    before = handling(session, thread)
    if isinstance(before, Absent):
        raise SteppingError(f"thread {thread.number} cannot be looked at: {before}")
    was = items(session, before)
    plan = _plan(session, thread, before)
    info = session.info
    try:
        stop = _run(session, stepper, plan)
    except NoHardwareBreakpointError:
        if all(halt.by_steps for halt in plan.halts):
            raise  # the thread alone has to come there: a person can step it
        plan = _to_the_next_fault(session, plan)
        stop = _run(session, stepper, plan)
    if isinstance(stop.thread, Absent):
        return _gone(info, command, columns, stop)
    return _stopped(session, command, columns, stop, before, was, plan)


def here(session: Session, command: str, columns: tuple[Column, ...]) -> Report:
    """Where the session's thread is on the road of a fault; errors as for `step`."""
    thread = session.thread()
    now = handling(session, thread)
    if isinstance(now, Absent):
        raise SteppingError(f"thread {thread.number} cannot be looked at: {now}")
    return moment_report(session, command, columns, thread, now)


def _plan(session: Session, thread: Thread, before: Handling) -> _Plan:
    first, every = _places(session, (FIRST,)), _places(session)
    if not every:
        raise LayoutError("the debug root names no phases", "mte-fault and memop still work")
    if before.position is Position.PHASE and before.phase == LAST:
        return _Plan((_patched(before.resumes), *first), thread)
    if before.position is Position.INSERT and isinstance(before.memop, MemopState):
        memop = before.memop.memop
        if memop.starts_over:
            return _as_one(memop, first, thread)
        return _Plan((_patched(memop.address), *first), thread)
    if before.position in (Position.ACCESS, Position.ELSEWHERE):
        return _Plan(first, None)
    _check_lock(session, before)
    return _Plan(every, thread)


def _as_one(memop: Memop, first: tuple[Halt, ...], thread: Thread) -> _Plan:
    """Over a critical section: each stop in it would have the kernel start it over, for ever.

    Debuggers do the same with LDXR and STXR: whatever comes between them makes the store fail.
    """
    behind = Halt(memop.address + INSTRUCTION, patched=True, by_steps=False)
    remark = (
        f"memop {memop.id} is a critical section (rseq), which starts over when it is stopped in: "
        "it ran as one"
    )
    return _Plan((behind, *first), thread, remark)


def _to_the_next_fault(session: Session, plan: _Plan) -> _Plan:
    """The same where nothing can be stopped at that may be patched: all threads run."""
    remark = f"{plan.remark}, and on: there are no hardware breakpoints here to stop behind it"
    return _Plan(_places(session, (FIRST,)), None, remark)


def _patched(address: int | Absent) -> Halt:
    if isinstance(address, Absent):
        raise SteppingError("where the handler returns to is not known", "go on by `stepi`")
    return Halt(address, patched=True)


def _places(session: Session, names: Sequence[str] = ()) -> tuple[Halt, ...]:
    """The addresses of these phases, or of all."""
    found = []
    for runtime in all_runtimes(session):
        points = phase_points(runtime)
        for point in () if isinstance(points, Absent) else points:
            if not names or point.name in names:
                found.append(Halt(point.address))
    return tuple(dict.fromkeys(found))


def _check_lock(session: Session, before: Handling) -> None:
    """A thread that runs alone does not get a lock that another one holds."""
    if before.phase != LOCK or not before.lock or before.lock == before.guest_thread:
        return
    others = [one for one in session.target.threads() if one.number != before.thread]
    running = (one.number for one in others if _runs(session, one, before.lock))
    who = next(running, None)
    holder = f"guest thread {before.lock}" + (f" (thread {who})" if who is not None else "")
    first = f"thread {who}" if who is not None else "its thread"
    raise SteppingError(
        f"{holder} holds the lock: thread {before.thread} would wait for ever",
        f"select {first} and `mte-step` it past unlock first",
    )


def _runs(session: Session, thread: Thread, guest: int | Absent) -> bool:
    now = handling(session, thread)
    return isinstance(now, Handling) and now.guest_thread == guest and now.in_handler


def _run(session: Session, stepper: Stepper, plan: _Plan) -> Stop:
    """Runs until a thread arrives; the signals of faults at memops are passed on meanwhile."""
    addresses = {halt.address for halt in plan.halts}
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
    at = NOT_APPLICABLE if thread is None else road(session, thread)
    if thread is None or isinstance(at, Absent) or isinstance(at.memop, Absent):
        return False
    assert isinstance(at.memop, Memop)
    return at.pc == at.memop.address and on_fault(session, thread)


def _gone(info: TargetInfo, command: str, columns: tuple[Column, ...], stop: Stop) -> Report:
    return flat(
        command, info, columns, headline=f"the program has ended: {stop.detail}", listing=True
    )


def _stopped(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    stop: Stop,
    before: Handling,
    was: Sequence[Item],
    plan: _Plan,
) -> Report:
    thread = session.thread()
    same = thread.number == before.thread
    now = handling(session, thread, before if same else None)
    if isinstance(now, Absent):
        raise SteppingError(f"thread {thread.number} cannot be looked at: {now}")
    related = same and _memop(now) is not None and _memop(now) == _memop(before)
    report = moment_report(session, command, columns, thread, now, was if related else ())
    if plan.remark:
        report = report.noting(plan.remark)
    addresses = {halt.address for halt in plan.halts}
    if now.pc in addresses:
        return report
    return report.noting(f"stopped before the next phase: {stop.detail or stop.kind.value}")


def _memop(moment: Handling) -> int | None:
    return None if isinstance(moment.memop, Absent) else moment.memop.memop.id
