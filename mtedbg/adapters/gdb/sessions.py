"""Which session a command is about, and what makes its caches stale."""

from __future__ import annotations

import gdb

from mtedbg.adapters.debugger.refused import no_program, not_aarch64, running
from mtedbg.adapters.gdb.events import connect
from mtedbg.adapters.gdb.parameters import BUDGET, INFERIOR_READS, PATIENCE
from mtedbg.adapters.gdb.target import GdbTarget
from mtedbg.budget import USUAL
from mtedbg.dataclass import dataclass, field
from mtedbg.errors import NoTargetError
from mtedbg.report import Continuation
from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class _Known:
    """A session, what tells its program from the next, and where commands go on in it."""

    identity: tuple[object, ...]
    session: Session
    continuations: dict[str, Continuation] = field(default_factory=dict)


# By inferior number.
_sessions: dict[int, _Known] = {}


def current() -> Session:
    """The session of the selected inferior.

    Raises:
        NoTargetError: there is no program, or not one for AArch64.
        NotOnThisTargetError: it is running.
    """
    inferior = gdb.selected_inferior()
    thread = gdb.selected_thread()
    # In this order: GDB lists the threads of a server by asking it, which fails while they run.
    if thread is None:
        if inferior.pid or inferior.threads():
            raise NoTargetError("no thread is selected", "select one: thread 1")
        raise no_program("core-file FILE")
    if thread.is_running():
        raise running("interrupt")
    return _of(inferior)


def found_roots() -> list[int]:
    """Where a command has found debug roots in the selected inferior; looks for none itself."""
    inferior = gdb.selected_inferior()
    known = _sessions.get(inferior.num)
    if known is None or not inferior.pid or known.identity[0] != inferior.pid:
        return []
    return [one.address for one in known.session.runtimes_if_known() or ()]


def in_expression() -> Session:
    """The session of the selected inferior, where GDB is in the middle of an expression.

    It may be the condition of a breakpoint. Then GDB still calls the thread running, and it tells
    nobody that it stopped: nothing that was read before is believed.

    Raises:
        NoTargetError: there is no program, or not one for AArch64.
    """
    if gdb.selected_thread() is None:
        return current()  # which says why there is none
    session = _of(gdb.selected_inferior())
    _drop_caches()
    return session


def _of(inferior: gdb.Inferior) -> Session:
    _check_architecture(inferior.architecture().name())
    connection = inferior.connection
    # A number of a connection is not used again; a core may take another's place in it.
    allowed = bool(gdb.parameter(INFERIOR_READS))
    identity = (inferior.pid, connection.num if connection else None, allowed)
    known = _sessions.get(inferior.num)
    if known is None or known.identity != identity:
        target = GdbTarget(inferior, inferior_reads=allowed)
        known = _Known(identity, Session(target, budget=target.budget))
        _sessions[inferior.num] = known
    known.session.timeout = float(gdb.parameter(PATIENCE))
    if known.session.budget is not None:
        known.session.budget.limit(USUAL.scaled(gdb.parameter(BUDGET)))
    # GDB sends no event when a person writes tags (memory-tag set-allocation-tag).
    known.session.forget_answers()
    _target_of(known.session).forget_tags()
    return known.session


def continuations(session: Session) -> dict[str, Continuation]:
    """Where commands go on in a session that `current` gave, to be kept up by its caller."""
    return next(known.continuations for known in _sessions.values() if known.session is session)


def _check_architecture(name: str) -> None:
    if not name.startswith("aarch64") or "ilp32" in name:
        raise not_aarch64(name, "show architecture")


def _drop_caches() -> None:
    for known in _sessions.values():
        known.session.invalidate()
        _target_of(known.session).invalidate()


def _target_of(session: Session) -> GdbTarget:
    assert isinstance(session.target, GdbTarget)
    return session.target


def _forget(event: gdb.Event) -> None:
    _sessions.pop(event.inferior.num, None)


# At every one of these, nothing that was read before may be believed.
for _events in (
    gdb.events.stop,
    gdb.events.cont,
    gdb.events.exited,
    gdb.events.memory_changed,
    gdb.events.register_changed,
    gdb.events.inferior_call,
    gdb.events.new_objfile,
    gdb.events.clear_objfiles,
):
    connect(_events, _drop_caches)
gdb.events.inferior_deleted.connect(_forget)
