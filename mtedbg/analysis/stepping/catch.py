"""Breakpoints at phases of fault handling: made, listed, deleted, and asked whether to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.analysis.stepping.direction import direction_of
from mtedbg.analysis.stepping.phases import function_of, road
from mtedbg.analysis.stepping.step import stepper_of
from mtedbg.decode.memops.phases import phase_points
from mtedbg.errors import LayoutError, MtedbgError, UsageError
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.memop import Memop
from mtedbg.model.phase import PHASES, Catch, Caught, Direction, PhasePoint
from mtedbg.report import Column, Report, Row, flat

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_DIRECTIONS = {one.value: one for one in Direction}
WORDS = (*PHASES, *_DIRECTIONS)
"""What `mte-catch` knows."""


def catch(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    words: Sequence[str],
    *,
    memop: int | None = None,
    function: str | None = None,
    thread: int | None = None,
) -> Report:
    """Makes breakpoints at phases.

    Args:
        session: a stopped process.
        command: to be named in the report.
        columns: of the report.
        words: phases, all where none is named, and at most one direction.
        memop: only faults at the memop with this id.
        function: only faults at memops of the guest function of this name.
        thread: only this thread, by the debugger's number.

    Raises:
        UsageError: a word is neither a phase nor a direction.
        NotOnThisTargetError: it is no process that can be let run.
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root does not say where the phases are.
        SteppingError: the debugger refuses.
    """
    phases, direction = _meant(words)
    stepper = stepper_of(session)
    points = [point for point in _points(session) if point.name in phases]
    if not points:
        raise LayoutError(
            f"the debug root has no address of {', '.join(phases)}", "`mte-catch` takes all it has"
        )

    def ask(wish: Catch, who: Thread) -> bool:
        return wanted(session, wish, who)

    filtered = not isinstance(direction, Absent) or memop is not None or function is not None
    wish = Catch(
        "",
        0,
        direction,
        NOT_APPLICABLE if memop is None else memop,
        NOT_APPLICABLE if function is None else function,
        NOT_APPLICABLE if thread is None else thread,
    )
    wishes = [replace(wish, phase=point.name, address=point.address) for point in points]
    made = [stepper.catch(one, ask if filtered else None) for one in wishes]
    return _report(session, command, columns, made, f"{_count(made)} at phases of fault handling")


def caught(session: Session, command: str, columns: tuple[Column, ...]) -> Report:
    """The breakpoints at phases that are there; errors as for `catch`."""
    found = stepper_of(session).caught()
    return _report(session, command, columns, found, f"{_count(found)} at phases of fault handling")


def release(
    session: Session, command: str, columns: tuple[Column, ...], words: Sequence[str]
) -> Report:
    """Deletes those of these phases, or all; errors as for `catch`."""
    stepper = stepper_of(session)
    phases, direction = _meant(words)
    found = [
        one
        for one in stepper.caught()
        if one.catch.phase in phases and direction in (NOT_APPLICABLE, one.catch.direction)
    ]
    stepper.release([one.number for one in found])
    return _report(session, command, columns, found, f"{_count(found)} deleted")


def _meant(words: Sequence[str]) -> tuple[tuple[str, ...], Direction | Absent]:
    unknown = [word for word in words if word not in WORDS]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no phase", f"phases are {', '.join(PHASES)}")
    directions = list(dict.fromkeys(word for word in words if word in _DIRECTIONS))
    if len(directions) > 1:
        raise UsageError("a patch has one direction", "leave both out to stop at either")
    phases = tuple(word for word in words if word in PHASES) or PHASES
    return phases, _DIRECTIONS[directions[0]] if directions else NOT_APPLICABLE


def _points(session: Session) -> list[PhasePoint]:
    found: list[PhasePoint] = []
    for runtime in all_runtimes(session):
        points = phase_points(runtime)
        found += () if isinstance(points, Absent) else points
    order = {name: number for number, name in enumerate(PHASES)}
    return sorted(found, key=lambda point: order[point.name])


def wanted(session: Session, wish: Catch, thread: Thread) -> bool:
    """Whether a thread that has come to a catch's address is to stop there.

    Where that cannot be told it stops: a person can go on, and cannot go back.

    Args:
        session: the process; what was read before is not believed.
        wish: the catch.
        thread: that has come there.
    """
    session.invalidate()
    try:
        here = road(session, thread)
        if isinstance(here, Absent):
            return True
        if isinstance(here.memop, Memop):
            place = here.memop.id, function_of(here.runtime, here.memop)
            asked = zip((wish.memop, wish.function), place, strict=True)
            if any(want not in (NOT_APPLICABLE, there) for want, there in asked):
                return False
        if isinstance(wish.direction, Absent):
            return True
        found = direction_of(session, here)
        return found == wish.direction or (isinstance(found, Absent) and found.is_hole)
    except MtedbgError:
        return True


def _count(found: Sequence[Caught]) -> str:
    return f"{len(found)} breakpoint{'' if len(found) == 1 else 's'}"


def _report(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    found: Sequence[Caught],
    headline: str,
) -> Report:
    rows = tuple(map(_row, found))
    return flat(command, session.info, columns, rows, headline=headline, listing=True)


def _row(one: Caught) -> Row:
    direction = one.catch.direction
    return {
        "number": one.number,
        "phase": one.catch.phase,
        "address": one.catch.address,
        "direction": direction if isinstance(direction, Absent) else direction.value,
        "memop": one.catch.memop,
        "function": one.catch.function,
        "thread": one.catch.thread,
        "enabled": one.enabled,
        "hits": one.hits,
    }
