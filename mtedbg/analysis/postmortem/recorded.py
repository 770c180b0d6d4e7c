"""What the system recorded of a death in the file of the dead process: quoted, not checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent, Reason, or_else
from mtedbg.session import once
from mtedbg.target import RecordReader

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.model.recorded import RecordedCall, RecordedFact
    from mtedbg.session import Session

_CAUSES = ("cause", "memory error")
_NOTHING = Absent(Reason.NOT_RECORDED)


@once
def recorded_facts(session: Session) -> tuple[RecordedFact, ...] | Absent:
    """Causes, where memory was allocated and freed, the abort message."""
    target = session.target
    return tuple(target.recorded_facts()) if isinstance(target, RecordReader) else _NOTHING


@once
def recorded_calls(session: Session, thread: Thread) -> tuple[RecordedCall, ...] | Absent:
    """The backtrace of a thread as it was made where the process died, the innermost first."""
    target = session.target
    return tuple(target.recorded_calls(thread)) if isinstance(target, RecordReader) else _NOTHING


def recorded_causes(session: Session) -> tuple[str, ...]:
    """The causes that the system names, in its words."""
    facts = or_else(recorded_facts(session), ())
    return tuple(one.text for one in facts if one.about in _CAUSES)
