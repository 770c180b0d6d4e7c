"""Breakpoints at phases of fault handling: made, listed, deleted, and asked whether to stop."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.analysis.stepping.direction import direction_of
from mtedbg.analysis.stepping.handling import fault_path, function_of
from mtedbg.analysis.stepping.step import stepper_of
from mtedbg.decode.memops.phases import PhasePlace, phase_places
from mtedbg.errors import LayoutError, MtedbgError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else
from mtedbg.model.memop import Memop
from mtedbg.model.phase import Catch, Caught, Direction, Phase

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session


def catch(
    session: Session,
    phases: Collection[Phase],
    *,
    direction: Direction | Absent = NOT_APPLICABLE,
    memop: int | Absent = NOT_APPLICABLE,
    function: str | Absent = NOT_APPLICABLE,
    thread: int | Absent = NOT_APPLICABLE,
) -> tuple[Caught, ...]:
    """Makes breakpoints at phases.

    Args:
        session: a stopped process.
        phases: where to stop.
        direction: only patches in this direction.
        memop: only faults at the memop with this id.
        function: only faults at memops of the guest function of this name.
        thread: only this thread, by the debugger's number.

    Raises:
        NotOnThisTargetError: it is no process that can be let run.
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root does not say where the phases are.
        SteppingError: the debugger refuses.
    """
    stepper = stepper_of(session)
    places = _places(session, phases)
    if not places:
        names = ", ".join(phase.value for phase in phases)
        raise LayoutError(
            f"the debug root has no address of {names}",
            "`mte-catch` alone stops at all that it has",
        )

    def ask(wish: Catch, who: Thread) -> bool:
        return wanted(session, wish, who)

    is_filtered = any(not isinstance(one, Absent) for one in (direction, memop, function))
    wishes = [
        Catch(place.phase, place.address, direction, memop, function, thread) for place in places
    ]
    return tuple(stepper.catch(wish, ask if is_filtered else None) for wish in wishes)


def caught(session: Session) -> tuple[Caught, ...]:
    """The breakpoints at phases that are there.

    Raises:
        NotOnThisTargetError: it is no process that can be let run.
    """
    return tuple(stepper_of(session).caught())


def release(
    session: Session, phases: Collection[Phase], direction: Direction | Absent = NOT_APPLICABLE
) -> tuple[Caught, ...]:
    """Deletes those at these phases, of one direction or of any.

    Returns:
        What was deleted.

    Raises:
        NotOnThisTargetError: it is no process that can be let run.
    """
    stepper = stepper_of(session)
    found = [
        one
        for one in stepper.caught()
        if one.catch.phase in phases and direction in (NOT_APPLICABLE, one.catch.direction)
    ]
    stepper.release([one.number for one in found])
    return tuple(found)


def _places(session: Session, phases: Collection[Phase]) -> list[PhasePlace]:
    """Where these phases are, in the order of a patch."""
    found = [
        place
        for runtime in all_runtimes(session)
        for place in or_else(phase_places(runtime), ())
        if place.phase in phases
    ]
    order = {phase: number for number, phase in enumerate(Phase)}
    return sorted(found, key=lambda place: order[place.phase])


def wanted(session: Session, wish: Catch, thread: Thread) -> bool:
    """Whether a thread that has come to a catch's address is to stop there.

    Where that is not known it stops: a person can continue, but cannot go back.

    Args:
        session: the process; what was read before is not believed.
        wish: the catch.
        thread: that has come there.
    """
    session.invalidate()
    try:
        here = fault_path(session, thread)
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
