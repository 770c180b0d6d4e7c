"""One state of fault handling, and the one before it: what `mte-step` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.stepping.direction import direction_of
from mtedbg.analysis.stepping.handling import handling, require_path
from mtedbg.analysis.stepping.upcoming import Upcoming, upcoming
from mtedbg.analysis.tags.owner import guards, owners
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, present

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.handling import Handling
    from mtedbg.model.phase import Direction
    from mtedbg.model.process import Thread
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class StepContext:
    """Where a thread is on the way of a fault, and where it was.

    Attributes:
        runtime: whose handler it is.
        now: all that fault handling changes, as it is.
        before: an earlier state of the same fault; None where there was none.
        direction: of the patch that the fault leads to.
        upcoming: what the thread will do when it continues.
        owners: whose memory each of the sixteen tags marks.
        guards: tags that memory has while it changes hands.
    """

    runtime: Runtime
    now: Handling
    before: Handling | None
    direction: Direction | Absent
    upcoming: Upcoming
    owners: tuple[str | int | Absent, ...]
    guards: frozenset[int]


def step_context(session: Session, thread: Thread, before: Handling | None = None) -> StepContext:
    """Where `thread` is on the way of a fault.

    Args:
        session: a stopped process.
        thread: which.
        before: an earlier state; one of another thread or memop is not compared with.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
        SteppingError: the thread cannot be looked at.
    """
    here = require_path(session, thread)
    same = before if before is not None and before.thread == thread.number else None
    now = handling(session, here, same)
    return StepContext(
        here.runtime,
        now,
        same if same is not None and present(now.memop) and now.memop_id == same.memop_id else None,
        direction_of(session, here),
        upcoming(here.runtime, now),
        owners(session),
        guards(session),
    )
