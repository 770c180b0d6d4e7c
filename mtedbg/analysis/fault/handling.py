"""The runtime's part in a tag check fault: its memop, and what its handler will do."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mtedbg.analysis.stacks.guest_frame import own_tag
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.memop import Memop
    from mtedbg.model.process import Thread
    from mtedbg.model.runtime import Config, Journal
    from mtedbg.session import Session

NO_MEMOP = "none: the PC is in no memop, the runtime passes the fault to the previous handler"


@dataclass(frozen=True, slots=True)
class Handling:
    """What the runtime's handler does about a fault.

    Attributes:
        memop: id of the memop at the PC.
        plan: what the handler will do, in words; does not apply where it is at it.
        change: what it is doing already; None where nothing.
    """

    memop: int | Absent
    plan: str | Absent
    change: Journal | None = None

    @property
    def transition(self) -> str | Absent:
        """What it does, in words."""
        if self.change is None:
            return self.plan
        return _in_words(self.change, f"guest thread {self.change.thread}")

    @property
    def kind(self) -> str | Absent:
        """The same without the number of a thread, which is another in every run."""
        return self.plan if self.change is None else _in_words(self.change, "a guest thread")


def _in_words(change: Journal, who: str) -> str:
    old, new = change.old_mode.lower(), change.new_mode.lower()
    what = f"stays {old}" if old == new else f"{old} → {new}"
    return f"{what}: in flight by {who}, phase {change.phase}"


def has_handler(runtime: Runtime) -> bool:
    """Whether a runtime says anything of a handler of faults: phases of it, or what it resumes."""
    return "phases" in runtime.named or "memop.restart" in runtime.layout.schema.contracts


def handling(
    session: Session, thread: Thread, pc: int, memory: Collection[int | Absent]
) -> Handling:
    """What the handler does about a fault; nothing applies where there is no runtime.

    Args:
        session: where.
        thread: that faulted.
        pc: of it, without PAC bits.
        memory: allocation tags of the granules that the access touches.
    """
    runtimes = session.runtimes
    if isinstance(runtimes, Absent) and runtimes.reason is not Reason.DAMAGED:
        return Handling(NOT_APPLICABLE, NOT_APPLICABLE)
    from mtedbg.analysis.memops.memop import memop_at

    memop = memop_at(session, pc)
    if isinstance(memop, Absent):
        if not memop.is_hole and present(runtimes) and not any(map(has_handler, runtimes)):
            return Handling(NOT_APPLICABLE, NOT_APPLICABLE)
        return Handling(memop, memop if memop.is_hole else NO_MEMOP)
    change = _in_flight(session, memop)
    plan = NOT_APPLICABLE if change else _plan(session, thread, memop, memory)
    return Handling(memop.id, plan, change)


def _config(session: Session) -> Config | Absent:
    runtimes = session.runtimes
    if isinstance(runtimes, Absent):
        return runtimes
    if len(runtimes) > 1:
        return Absent(Reason.UNKNOWN, "several runtimes")
    return runtimes[0].config


def _plan(
    session: Session, thread: Thread, memop: Memop, memory: Collection[int | Absent]
) -> str | Absent:
    from mtedbg.analysis.memops.transition import policy_of, situation, transition
    from mtedbg.model.memop import Mode

    config, own = _config(session), own_tag(session, thread)
    hole = next((tag for tag in memory if isinstance(tag, Absent)), None)
    if isinstance(config, Absent):
        return config
    if isinstance(own, Absent):
        return own
    if hole is not None:
        return hole
    policy = policy_of(config)
    if isinstance(policy, Absent):
        return policy
    if memop.mode not in (Mode.LOCAL.value, Mode.SHARED.value, Mode.EITHER.value):
        return Absent(Reason.DAMAGED, f"memop {memop.id} has mode {memop.mode}")
    tags = [tag for tag in memory if present(tag)]
    return transition(situation(memop, config, tags, own))


def _in_flight(session: Session, memop: Memop) -> Journal | None:
    """What the handler is doing about the memop right now."""
    from mtedbg.decode.memops.journal import in_flight

    entries = (or_else(found, ()) for found in session.from_runtimes(in_flight))
    return next((one for some in entries for one in some if one.memop == memop.id), None)
