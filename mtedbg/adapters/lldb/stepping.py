"""Letting LLDB's process run to a place, and breakpoints that ask before they stop it.

LLDB has no breakpoints of its own for extensions: those of a step have numbers, and go with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import lldb

from mtedbg.adapters.debugger.stepping import MOST_FRAMES, MOST_STEPS, Wanted, arrived
from mtedbg.adapters.lldb import threads
from mtedbg.errors import NoHardwareBreakpointError, SteppingError
from mtedbg.model.absent import NOT_APPLICABLE, present
from mtedbg.model.phase import Catch, Caught
from mtedbg.model.process import Thread
from mtedbg.model.stop import Halt, Stop, StopKind

NAME = "mte-catch"
"""Of the breakpoints that a person asked for: `breakpoint delete mte-catch` takes them all."""

_SIGINT, _SIGSTOP = 2, 19
_REASONS = {
    lldb.eStopReasonBreakpoint: StopKind.BREAKPOINT,
    lldb.eStopReasonSignal: StopKind.SIGNAL,
}
_NOP = (0xD503201F).to_bytes(4, "little")
_SIGRETURN = b"".join(word.to_bytes(4, "little") for word in (0xD2801168, 0xD4000001))
"""`mov x8, #139` and `svc #0`: arch/arm64/kernel/vdso/sigreturn.S."""
_STEPPED = (lldb.eStopReasonTrace, lldb.eStopReasonPlanComplete)
_QUIET = (lldb.eStopReasonNone, lldb.eStopReasonInvalid)

# By the process's unique number and the breakpoint's: LLDB keeps no data of ours with one.
_wishes: dict[tuple[int, int], tuple[Catch, Wanted | None]] = {}


def run_to(process: lldb.SBProcess, halts: Sequence[Halt], alone: Thread | None) -> Stop:
    """Lets the process run; see `Stepper`."""
    with _waiting(process), _suspended(process, alone):
        try:
            _run(process, halts)
        except NoHardwareBreakpointError:
            if alone is None or not all(halt.by_steps for halt in halts):
                raise
            _walk(process, alone, {halt.address for halt in halts if halt.patched})
    return _stop(process)


def _run(process: lldb.SBProcess, halts: Sequence[Halt]) -> None:
    with _halts(process.GetTarget(), halts):
        error = process.Continue()
    if error.Fail():
        raise SteppingError(f"LLDB cannot resume the program: {error.GetCString()}")


def _walk(process: lldb.SBProcess, alone: Thread, addresses: set[int]) -> None:
    """To one of `addresses` by single steps; as in GDB, for servers without hardware breakpoints.

    A handler is run to its end first: that is most of it.
    """
    thread = threads.by_number(process, alone.number)
    returns = _sigreturn(process, thread)
    if returns is not None:
        _run(process, [Halt(returns)])
    for _ in range(MOST_STEPS):
        if process.GetState() != lldb.eStateStopped:
            return
        here = threads.register(thread.GetFrameAtIndex(0), "pc")
        stepped = thread.GetStopReason() in _STEPPED or here == returns
        if here in addresses or not stepped:
            return
        thread.StepInstruction(False)


def _sigreturn(process: lldb.SBProcess, thread: lldb.SBThread) -> int | None:
    """Where the signal handler that a thread runs will return to."""
    for index in range(min(thread.GetNumFrames(), MOST_FRAMES)):
        pc = int(thread.GetFrameAtIndex(index).GetPC())
        if process.ReadMemory(pc, len(_SIGRETURN), lldb.SBError()) == _SIGRETURN:
            return pc
    return None


@contextmanager
def _waiting(process: lldb.SBProcess) -> Iterator[None]:
    """Has what lets the process run wait for its stop."""
    debugger = process.GetTarget().GetDebugger()
    before = debugger.GetAsync()
    debugger.SetAsync(False)
    try:
        yield
    finally:
        debugger.SetAsync(before)


@contextmanager
def _halts(target: lldb.SBTarget, halts: Sequence[Halt]) -> Iterator[None]:
    made: list[int] = []
    try:
        for halt in halts:
            breakpoint_ = _hardware(target, halt.address) if halt.patched else None
            breakpoint_ = breakpoint_ or target.BreakpointCreateByAddress(halt.address)
            made.append(breakpoint_.GetID())
        yield
    finally:
        for number in made:
            target.BreakpointDelete(number)


def _hardware(target: lldb.SBTarget, address: int) -> lldb.SBBreakpoint:
    """A hardware breakpoint: LLDB has a command for it, and before version 20 no call."""
    result = lldb.SBCommandReturnObject()
    interpreter = target.GetDebugger().GetCommandInterpreter()
    before = target.GetNumBreakpoints()
    interpreter.HandleCommand(f"breakpoint set --hardware --address {address:#x}", result)
    if not result.Succeeded() or target.GetNumBreakpoints() == before:
        why = (result.GetError() or "it does not say why").strip()
        raise NoHardwareBreakpointError(f"LLDB cannot set a hardware breakpoint: {why}")
    made = target.GetBreakpointAtIndex(target.GetNumBreakpoints() - 1)
    if not any(location.IsResolved() for location in made):  # the server has refused it
        target.BreakpointDelete(made.GetID())
        raise NoHardwareBreakpointError("LLDB cannot set a hardware breakpoint")
    return made


@contextmanager
def _suspended(process: lldb.SBProcess, alone: Thread | None) -> Iterator[None]:
    """Keeps all threads but one from running for a while."""
    held = []
    running = None if alone is None else alone.number
    for thread in process:
        if running not in (None, thread.GetIndexID()) and not thread.IsSuspended():
            thread.Suspend()
            held.append(thread.GetIndexID())
    try:
        yield
    finally:
        for number in held:
            thread = process.GetThreadByIndexID(number)
            if thread.IsValid():
                thread.Resume()


def _stop(process: lldb.SBProcess) -> Stop:
    if process.GetState() != lldb.eStateStopped:
        said = process.GetExitDescription()
        return Stop(StopKind.EXITED, detail=said or f"exit status {process.GetExitStatus()}")
    thread = process.GetSelectedThread()
    if thread.GetStopReason() in _QUIET:
        stopped = (one for one in process if one.GetStopReason() not in _QUIET)
        thread = next(stopped, thread)
        process.SetSelectedThread(thread)
    kind, detail = _why(process, thread)
    pc = threads.register(thread.GetFrameAtIndex(0), "pc")
    return Stop(kind, thread.GetIndexID(), NOT_APPLICABLE if pc is None else pc, detail)


def _why(process: lldb.SBProcess, thread: lldb.SBThread) -> tuple[StopKind, str]:
    kind = _REASONS.get(thread.GetStopReason(), StopKind.OTHER)
    if kind is StopKind.SIGNAL:
        number = int(thread.GetStopReasonDataAtIndex(0))
        name = process.GetUnixSignals().GetSignalAsCString(number) or f"signal {number}"
        return (StopKind.INTERRUPTED if number in (_SIGINT, _SIGSTOP) else kind), name
    if kind is StopKind.BREAKPOINT:
        return kind, f"breakpoint {thread.GetStopReasonDataAtIndex(0)}"
    return kind, thread.GetStopDescription(80) or ""


def catch(process: lldb.SBProcess, wish: Catch, wanted: Wanted | None) -> Caught:
    """Makes a breakpoint; see `Stepper`."""
    target = process.GetTarget()
    if present(wish.thread) and not threads.by_number(process, wish.thread).IsValid():
        raise SteppingError(f"no thread has the number {wish.thread}", "`thread list` lists them")
    made = target.BreakpointCreateByAddress(wish.address)
    if not made.IsValid():
        raise SteppingError("LLDB cannot set a breakpoint")
    made.AddName(NAME)
    if present(wish.thread):
        made.SetThreadIndex(wish.thread)
    _wishes[process.GetUniqueID(), made.GetID()] = wish, wanted
    if wanted is not None:
        # LLDB looks the function up by its name, in its session's own names.
        _command(target.GetDebugger(), f"script import {__name__}")
        made.SetScriptCallbackFunction(f"{__name__}.on_phase")
    return _caught(made, wish)


def _command(debugger: lldb.SBDebugger, line: str) -> None:
    result = lldb.SBCommandReturnObject()
    debugger.GetCommandInterpreter().HandleCommand(line, result)
    if not result.Succeeded():
        raise SteppingError(f"LLDB cannot set a breakpoint: {(result.GetError() or '').strip()}")


def on_phase(frame: lldb.SBFrame, location: lldb.SBBreakpointLocation, _names: Any) -> bool:
    """Whether to stop; LLDB calls this when a thread has come to one of our breakpoints."""
    thread = frame.GetThread()
    key = thread.GetProcess().GetUniqueID(), location.GetBreakpoint().GetID()
    wish, wanted = _wishes.get(key, (None, None))
    if wish is None or wanted is None:
        return True
    if wanted(wish, arrived(thread.GetIndexID(), thread.GetThreadID())):
        return True
    _pass(frame)
    return False


def _pass(frame: lldb.SBFrame) -> None:
    """Moves a thread past the `nop` that a phase is, where no other breakpoint is there.

    LLDB would take the breakpoint away, step, and set it again. LLDB 23 does so for all threads at
    once, and does not set it again if one of them was only about to execute it (its "batch
    breakpoint step-over"): later hits would be missed.
    """
    thread, pc = frame.GetThread(), frame.GetPC()
    process = thread.GetProcess()
    if process.ReadMemory(pc, len(_NOP), lldb.SBError()) != _NOP:
        return
    target = process.GetTarget()
    there = [
        location
        for breakpoint_ in target.breakpoint_iter()
        for location in breakpoint_
        if location.GetLoadAddress() == pc and location.IsEnabled()
    ]
    if len(there) == 1:
        frame.SetPC(pc + len(_NOP))


def caught(process: lldb.SBProcess) -> list[Caught]:
    """The breakpoints that are there; see `Stepper`."""
    found = []
    for (owner, number), (wish, _) in sorted(_wishes.items(), key=lambda item: item[0]):
        breakpoint_ = process.GetTarget().FindBreakpointByID(number)
        if owner == process.GetUniqueID() and breakpoint_.IsValid():
            found.append(_caught(breakpoint_, wish))
    return found


def release(process: lldb.SBProcess, numbers: Sequence[int]) -> None:
    """Deletes breakpoints; see `Stepper`."""
    for number in numbers:
        if _wishes.pop((process.GetUniqueID(), number), None) is not None:
            process.GetTarget().BreakpointDelete(number)


def _caught(one: lldb.SBBreakpoint, wish: Catch) -> Caught:
    return Caught(one.GetID(), wish, one.IsEnabled(), one.GetHitCount())
