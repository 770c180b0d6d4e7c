"""A step: which thread is let run, to where, and what is made of how it stopped."""

from __future__ import annotations

import pytest

from mtedbg.analysis.stepping import step as query_step
from mtedbg.analysis.stepping.context import StepContext
from mtedbg.analysis.stepping.handling import FaultPath, handling
from mtedbg.analysis.stepping.step import Step, step
from mtedbg.dataclass import replace
from mtedbg.errors import (
    LayoutError,
    NoHardwareBreakpointError,
    NotOnThisTargetError,
    SteppingError,
)
from mtedbg.model.absent import Absent
from mtedbg.model.handling import Handling, Position
from mtedbg.model.phase import Phase
from mtedbg.model.process import TargetKind
from mtedbg.model.stop import Halt, Stop, StopKind
from mtedbg.session import Session
from tests.support.fake import FakeTarget
from tests.support.runtime_image import BASE, HOST_THREAD, JIT_THREAD, image
from tests.support.scripted import FAULT, ORDER, memop, phase, scripted


def go(target: FakeTarget, thread: int | None = None) -> Step:
    session = Session(target)
    return step(session, session.thread(thread))


def seen(found: Step) -> StepContext:
    """Where the thread is that stopped."""
    assert found.context is not None
    return found.context


def test_from_a_fault_to_the_first_phase() -> None:
    made = image()
    target = scripted(made, signal=True)
    target.at(phase(made, "fault"), StopKind.BREAKPOINT)
    found = go(target)
    everywhere = tuple(Halt(phase(made, name)) for name in ORDER)
    assert target.asked == [(everywhere, JIT_THREAD)]
    assert seen(found).now.phase is Phase.FAULT
    assert found.arrived


def test_from_the_tag_insert_to_the_access() -> None:
    made = image()
    target = scripted(made, memop(made) - 4)
    target.at(memop(made), StopKind.BREAKPOINT)
    found = go(target)
    # A breakpoint in patched code would be undone by the patch, or undo it.
    halts = (Halt(memop(made), patched=True), Halt(phase(made, "fault")))
    assert target.asked == [(halts, JIT_THREAD)]
    assert seen(found).now.position is Position.ACCESS


def _refused() -> Stop:
    raise NoHardwareBreakpointError("no hardware breakpoints")


@pytest.mark.parametrize("hardware", [True, False])
def test_a_critical_section_runs_as_one(hardware: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Single steps would have the kernel start it over for ever."""

    def strict(session: Session, here: FaultPath) -> Handling:
        now = handling(session, here)
        if isinstance(now.memop, Absent):
            return now
        record = replace(now.memop.memop, abort_address=memop(made) + 0x100)
        return replace(now, memop=replace(now.memop, memop=record))

    monkeypatch.setattr(query_step, "handling", strict)
    made = image()
    target = scripted(made, memop(made) - 4)
    fault, after = phase(made, "fault"), memop(made) + 4
    if not hardware:
        target.happenings.append(_refused)
    target.at(after if hardware else fault, StopKind.BREAKPOINT)
    found = go(target)
    halts = (Halt(after, patched=True, by_steps=False), Halt(fault))
    assert target.asked[0] == (halts, JIT_THREAD)
    assert found.ran_as_one is not None
    assert found.ran_as_one.id == 1
    assert found.no_hardware_breakpoint is not hardware
    assert target.asked[1:] == ([] if hardware else [((Halt(fault),), None)])


def test_others_do_not_run_where_steps_would_lead_there() -> None:
    made = image()
    target = scripted(made, memop(made) - 4)
    target.happenings.append(_refused)
    with pytest.raises(NoHardwareBreakpointError):
        go(target)
    assert len(target.asked) == 1


@pytest.mark.parametrize("thread", [1, HOST_THREAD.number])
def test_outside_of_a_handling_all_threads_run(thread: int) -> None:
    made = image()
    target = scripted(made)  # thread 1 at an access that has not faulted, 3 in none of our code
    target.at(phase(made, "fault"), StopKind.BREAKPOINT, thread=thread)
    go(target, thread)
    assert target.asked == [((Halt(phase(made, "fault")),), None)]


def test_what_came_between_is_said() -> None:
    made = image()
    target = scripted(made, signal=True)
    target.at(phase(made, "lookup") + 4, StopKind.BREAKPOINT, "breakpoint 7")
    found = go(target)
    assert (found.arrived, found.stop.detail) == (False, "breakpoint 7")
    target = scripted(made, signal=True)
    target.at(phase(made, "lookup") + 4, StopKind.INTERRUPTED)
    found = go(target)
    assert (found.arrived, found.stop.kind) == (False, StopKind.INTERRUPTED)


def test_a_signal_at_the_very_place() -> None:
    """Debuggers differ in what they name first when a thread comes there with a signal waiting."""
    made = image()
    target = scripted(made, signal=True)
    target.at(phase(made, "lookup"), StopKind.SIGNAL, "SIGSEGV")
    found = go(target)
    assert (seen(found).now.phase, found.arrived) == (Phase.LOOKUP, True)


def test_faults_of_others_are_passed_on() -> None:
    made = image()
    target = scripted(made)
    target.signals[1] = FAULT
    target.at(memop(made), StopKind.SIGNAL, "SIGSEGV")
    target.at(phase(made, "fault"), StopKind.BREAKPOINT)
    now = seen(go(target, HOST_THREAD.number)).now
    assert len(target.asked) == 2
    assert target.asked[0] == target.asked[1]
    assert (now.thread, now.phase) == (1, Phase.FAULT), "the thread that stopped is shown"


def test_a_signal_that_is_not_the_handlers_stops() -> None:
    made = image()
    target = scripted(made, signal=True)
    target.at(0x1000, StopKind.SIGNAL, "SIGUSR1", thread=2)
    found = go(target)
    assert len(target.asked) == 1
    assert (found.arrived, found.stop.detail) == (False, "SIGUSR1")


def test_a_signal_that_is_kept_back() -> None:
    made = image()
    target = scripted(made, signal=True)
    for _ in range(2):
        target.at(memop(made), StopKind.SIGNAL, "SIGSEGV")
    with pytest.raises(SteppingError) as caught:
        go(target)
    assert "does not reach the program's handler" in caught.value.message
    assert "handle SIGSEGV pass" in str(caught.value.next_step)


def test_the_end_of_the_program() -> None:
    target = scripted(image(), signal=True)
    target.happenings.append(lambda: Stop(StopKind.EXITED, detail="exit status 3"))
    found = go(target)
    assert (found.context, found.stop.detail) == (None, "exit status 3")


def test_a_lock_that_is_held() -> None:
    made = image()
    held = made.with_word(made.places["lock"], 3)
    target = scripted(held, phase(held, "lock"))
    target.at(phase(held, "patch-memop"), StopKind.BREAKPOINT)
    with pytest.raises(SteppingError, match="guest thread 3 holds the lock: thread 1 would wait"):
        go(target)
    assert target.asked == []
    free = made.with_word(made.places["lock"], 0)
    target = scripted(free, phase(free, "lock"))
    target.at(phase(free, "patch-memop"), StopKind.BREAKPOINT)
    assert seen(go(target)).now.phase is Phase.PATCH_MEMOP


def test_where_the_handler_returns_to_is_not_known() -> None:
    made = image()
    target = scripted(made, phase(made, "resume"))  # no signal frame is on its stack
    with pytest.raises(SteppingError) as caught:
        go(target)
    assert caught.value.next_step == "continue with `stepi`"


def test_a_runtime_without_phases() -> None:
    made = image()
    at = made.data.index(b"phases\0")
    target = scripted(made.with_bytes(BASE + at, b"phrase\0"), signal=True)
    with pytest.raises(LayoutError, match="names no phases"):
        go(target)


def test_registers_that_are_not_there() -> None:
    target = scripted(image(), signal=True)
    del target.register_sets[1]
    with pytest.raises(SteppingError, match="thread 1 cannot be looked at"):
        go(target)


def test_what_cannot_be_let_run() -> None:
    with pytest.raises(NotOnThisTargetError, match="a core file cannot be resumed"):
        go(image().target())
    with pytest.raises(NotOnThisTargetError, match="adapter cannot resume the program"):
        go(image().target(kind=TargetKind.LIVE))
