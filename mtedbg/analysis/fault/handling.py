"""The runtime's part in a tag check fault: its memop, and what its handler will do."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mtedbg.analysis.memops.memop import memop_at
from mtedbg.analysis.memops.transition import situation, transition
from mtedbg.analysis.stacks.guest_frame import own_tag
from mtedbg.decode.memops.journal import in_flight
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memop import Memop, Mode
from mtedbg.model.runtime import Journal

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.model.runtime import Config
    from mtedbg.session import Session

NO_MEMOP = "none: the PC is no memop, the runtime hands the fault to the previous handler"


def handling(
    session: Session, thread: Thread, pc: int, memory: Collection[int | Absent]
) -> tuple[int | Absent, str | Absent]:
    """The id of the memop at `pc`, and what the handler will do about the fault there.

    Args:
        session: where.
        thread: that faulted.
        pc: of it, without PAC bits.
        memory: allocation tags of the granules that the access touches.

    Returns:
        Both do not apply where there is no runtime.
    """
    runtimes = session.runtimes
    if isinstance(runtimes, Absent) and runtimes.reason is not Reason.DAMAGED:
        return NOT_APPLICABLE, NOT_APPLICABLE
    memop = memop_at(session, pc)
    if isinstance(memop, Absent):
        return memop, memop if memop.is_hole else NO_MEMOP
    return memop.id, _handled(session, thread, memop, memory)


def _config(session: Session) -> Config | Absent:
    runtimes = session.runtimes
    if isinstance(runtimes, Absent):
        return runtimes
    if len(runtimes) > 1:
        return Absent(Reason.UNKNOWN, "several runtimes")
    return runtimes[0].config


def _handled(
    session: Session, thread: Thread, memop: Memop, memory: Collection[int | Absent]
) -> str | Absent:
    going_on = _in_flight(session, memop)
    if going_on:
        return going_on
    config, own = _config(session), own_tag(session, thread)
    hole = next((tag for tag in memory if isinstance(tag, Absent)), None)
    for needed in (config, own, hole):
        if isinstance(needed, Absent):
            return needed
    assert not isinstance(config, Absent)
    assert not isinstance(own, Absent)
    if isinstance(config.policy, Absent):
        return config.policy
    if memop.mode not in (Mode.LOCAL.value, Mode.SHARED.value):
        return Absent(Reason.DAMAGED, f"memop {memop.id} has mode {memop.mode}")
    tags = [tag for tag in memory if isinstance(tag, int)]
    return transition(situation(memop, config, tags, own))


def _in_flight(session: Session, memop: Memop) -> str:
    """What the handler is doing about the memop right now; empty where nothing."""
    runtimes = session.runtimes
    for runtime in () if isinstance(runtimes, Absent) else runtimes:
        try:
            entries = in_flight(runtime)
        except LayoutError:
            continue
        for entry in () if isinstance(entries, Absent) else entries:
            if entry.memop == memop.id:
                return _told(entry)
    return ""


def _told(entry: Journal) -> str:
    old, new = entry.old_mode.lower(), entry.new_mode.lower()
    what = f"stays {old}" if old == new else f"{old} → {new}"
    return f"{what}: in flight by guest thread {entry.thread}, phase {entry.phase}"
