"""In which direction a fault's handler patches its memop: known, or foreseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.memops.transition import Situation, patch_to, policy_of, situation
from mtedbg.analysis.stepping.handling import FaultPath, granules_of, guest_frame, of_memops
from mtedbg.decode.memops.journal import in_flight
from mtedbg.decode.memops.recorder import read_log
from mtedbg.decode.stack.registers import register_number
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present, then
from mtedbg.model.event import EventKind
from mtedbg.model.memop import Memop, Mode
from mtedbg.model.phase import Direction, Phase

if TYPE_CHECKING:
    from mtedbg.session import Session

_DECIDED = (Phase.UNLOCK, Phase.RESUME)
"""At these phases the patch is done: what is not in the journal any more is in the recorder."""
_BY_MODE: dict[str, Direction] = {
    Mode.SHARED: Direction.LOCAL_SHARED,
    Mode.LOCAL: Direction.SHARED_LOCAL,
    Mode.EITHER: Direction.SHARED_EITHER,
}
_OUTCOMES = (EventKind.PATCH, EventKind.RETRY, EventKind.INTERPRET)


def direction_of(session: Session, here: FaultPath) -> Direction | Absent:
    """The direction of the patch that a thread's fault leads to.

    By the journal while the patch is in flight, by the recorder once it is done, and before that
    by what the handler's table says of the tags and modes as they are now.

    Returns:
        What does not apply where the memop is not patched.
    """
    memop = here.memop
    if isinstance(memop, Absent):
        return memop
    entry = then(in_flight(here.runtime), of_memops)
    if present(entry) and entry.memop == memop.id and here.in_handler:
        patches = entry.old_mode != entry.new_mode
        return _BY_MODE.get(entry.new_mode, NOT_APPLICABLE) if patches else NOT_APPLICABLE
    if here.phase in _DECIDED:
        return _recorded(here, memop)
    return _foreseen(session, here)


def _recorded(here: FaultPath, memop: Memop) -> Direction | Absent:
    """What this thread recorded last of the memop: a patch, or that it retries without one."""
    frame = guest_frame(here.runtime, here.registers)
    if isinstance(frame, Absent):
        return frame
    try:
        events = read_log(here.runtime, memop=memop.id, thread=frame.thread_id).events
    except LayoutError as error:
        return Absent(Reason.NOT_RECORDED, error.message)
    outcomes = [one for _, one in events if one.event in _OUTCOMES]
    if not outcomes:
        return Absent(Reason.NOT_RECORDED, "the recorder has no outcome of this fault")
    if outcomes[-1].event != EventKind.PATCH:
        return NOT_APPLICABLE
    modes = here.runtime.values("Mode")
    return _BY_MODE.get(modes.get(outcomes[-1].new_value, ""), NOT_APPLICABLE)


def situation_of(session: Session, here: FaultPath) -> Situation | Absent:
    """What the handler will decide by, if it reads tags and modes as they are now."""
    memop, config = here.memop, here.runtime.config
    frame = guest_frame(here.runtime, here.registers)
    if isinstance(memop, Absent):
        return memop
    if isinstance(config, Absent):
        return config
    if isinstance(frame, Absent):
        return frame
    name = f"x{register_number(here.runtime, 'address')}"
    pointer = here.registers.get(name, Absent(Reason.UNREADABLE, name))
    granules = granules_of(session, memop, pointer)
    tags = [one.tag for one in granules if present(one.tag)]
    if not tags or len(tags) < len(granules):
        return Absent(Reason.UNKNOWN, "not all of the memory's tags are known")
    if memop.mode not in _BY_MODE or isinstance(policy_of(config), Absent):
        return Absent(Reason.UNKNOWN, "the memop's mode and the policy have to be known")
    return situation(memop, config, tags, frame.host_core_id & 0xF)


def _foreseen(session: Session, here: FaultPath) -> Direction | Absent:
    mode = then(situation_of(session, here), patch_to)
    if isinstance(mode, Absent):
        return mode
    return NOT_APPLICABLE if mode is None else _BY_MODE[mode.value]
