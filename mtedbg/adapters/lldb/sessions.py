"""Which session a command is about, and what makes its caches stale."""

from __future__ import annotations

import lldb

from mtedbg.adapters.debugger.refused import no_program, not_aarch64, running
from mtedbg.adapters.lldb import settings, stops
from mtedbg.adapters.lldb.target import LldbTarget
from mtedbg.budget import USUAL
from mtedbg.report import Continuation
from mtedbg.session import Session

_RUNNING = (
    lldb.eStateRunning,
    lldb.eStateStepping,
    lldb.eStateLaunching,
    lldb.eStateAttaching,
    lldb.eStateConnected,
)
_STOPPED = (lldb.eStateStopped, lldb.eStateCrashed, lldb.eStateSuspended)

# By process: LLDB's number of it, which is not used again, and its count of stops then.
_sessions: dict[int, tuple[int, Session]] = {}
_continuations: dict[str, Continuation] = {}


def current(debugger: lldb.SBDebugger, context: lldb.SBExecutionContext) -> Session:
    """The session of the process that a command is for.

    Args:
        debugger: LLDB.
        context: of the command; without a process, the selected target's counts.

    Raises:
        NoTargetError: there is no program, or not one for AArch64.
        NotOnThisTargetError: it is running.
    """
    process = context.GetProcess()
    if not process.IsValid():
        process = debugger.GetSelectedTarget().GetProcess()
    state = process.GetState() if process.IsValid() else lldb.eStateInvalid
    if state in _RUNNING:
        raise running("process interrupt")
    if state not in _STOPPED:
        raise no_program("target create --core FILE")
    _check_architecture(process.GetTarget().GetTriple())
    stops.prepare(process)
    return _session_of(process)


def continuations() -> dict[str, Continuation]:
    """Where commands go on in the session that `current` gave last, to be kept up by its caller."""
    return _continuations


def in_breakpoint(process: lldb.SBProcess) -> tuple[Session, LldbTarget]:
    """The session of a process that LLDB stops, perhaps only to look at a breakpoint's condition.

    Then it still calls it running, and nothing that was read before is believed.

    Returns:
        The session and its target.

    Raises:
        NoTargetError: it is not one for AArch64.
    """
    _check_architecture(process.GetTarget().GetTriple())
    session = _session_of(process)
    session.invalidate()
    assert isinstance(session.target, LldbTarget)
    session.target.invalidate()
    return session, session.target


def _session_of(process: lldb.SBProcess) -> Session:
    number, stop = process.GetUniqueID(), process.GetStopID(True)
    if number not in _sessions:
        _sessions.clear()
        _continuations.clear()
        target = LldbTarget(process)
        _sessions[number] = (stop, Session(target, budget=target.budget))
    known, session = _sessions[number]
    assert isinstance(session.target, LldbTarget)
    if known != stop:
        session.target.invalidate()
        _sessions[number] = (stop, session)
    # LLDB does not tell when a person writes to memory: of a process that they can write to,
    # nothing read from there is believed at the next command.
    if process.GetPluginName() != "elf-core":
        session.invalidate()
        session.target.forget_tags()
    if session.budget is not None:
        session.budget.limit(USUAL.scaled(settings.budget()))
    session.forget_answers()  # symbols may have been added to a core too
    return session


def _check_architecture(triple: str) -> None:
    name = triple.partition("-")[0]
    if name not in ("aarch64", "arm64", "arm64e"):
        raise not_aarch64(name, "target list")
