"""Changes that were in flight when the process stopped, from the journals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import host_thread_of
from mtedbg.dataclass import dataclass
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.model.operation import Operation
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.runtime import Journal
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class Change:
    """One change in flight.

    Attributes:
        runtime: whose change it is.
        entry: of its journal.
        thread: number of the host thread that runs the guest thread of the entry.
    """

    runtime: Runtime
    entry: Journal
    thread: int | Absent

    @property
    def transition(self) -> str | Absent:
        """Modes or tags before and after; does not apply to changes of code."""
        entry = self.entry
        if entry.operation == Operation.PATCH_MEMOP:
            return f"{entry.old_mode.lower()} → {entry.new_mode.lower()}"
        if entry.operation == Operation.RETAG_ONLY:
            return f"tag {entry.old_tag} → {entry.new_tag}"
        return NOT_APPLICABLE

    def __str__(self) -> str:
        """For people: "local → shared patch of memop 17 in progress by thread 3"."""
        entry = self.entry
        what: dict[str, str] = {
            Operation.PATCH_MEMOP: f"{self.transition} patch of memop {entry.memop}",
            Operation.RETAG_ONLY: f"retag of {entry.address:#x}, {self.transition},",
            Operation.INSERT_BLOCK: f"insertion of block {entry.block}",
            Operation.RETIRE_BLOCK: f"removal of block {entry.block}",
        }
        return f"{what.get(entry.operation, entry.operation)} in progress{self._who}"

    @property
    def _who(self) -> str:
        """Who makes it; empty before there is any thread."""
        if not self.entry.thread:
            return ""
        guest = f"guest thread {self.entry.thread}"
        return f" by thread {self.thread}" if present(self.thread) else f" by {guest}"


@once
def changes(session: Session) -> tuple[Change, ...]:
    """Every change in flight; none of a runtime that cannot be read."""
    if not session.readable_runtimes():
        return ()
    from mtedbg.decode.memops.journal import in_flight

    return tuple(
        Change(runtime, entry, _thread(session, runtime, entry))
        for runtime, entries in session.from_runtimes(lambda one: (one, in_flight(one)))
        for entry in or_else(entries, ())
    )


def _thread(session: Session, runtime: Runtime, entry: Journal) -> int | Absent:
    try:
        return host_thread_of(runtime, entry, session.target.threads())
    except LayoutError as error:
        return Absent(Reason.NOT_RECORDED, error.message)


def step_of(change: Change) -> str | Absent:
    """How far a patch has come, by the words that stand there."""
    if change.entry.operation != Operation.PATCH_MEMOP:
        return NOT_APPLICABLE
    from mtedbg.decode.memops.memop import memop_with_id, state_of

    try:
        memop = memop_with_id(change.runtime, change.entry.memop)
        return then(memop, lambda one: state_of(change.runtime, one).step)
    except LayoutError:
        return NOT_APPLICABLE
