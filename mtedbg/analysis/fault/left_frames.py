"""Signal frames that handlers have left behind: what may have happened before a death.

Where a handler sends a signal that is blocked in it, that signal comes when the handler returns:
the thread stands at the instruction that faulted, with all its registers, and the signal frame is
below SP or on an alternate stack.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.handlers import fault_of
from mtedbg.dataclass import dataclass
from mtedbg.decode.stack.signal_frame import NAMES, SIZE, SignalFrame, signal_frame, signal_frames
from mtedbg.model.absent import Absent
from mtedbg.session import once
from mtedbg.target import SparseMemory

if TYPE_CHECKING:
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session

BELOW = 1 << 15
"""Bytes below SP that are searched."""

MOST_BYTES = 64 << 20
"""Of writable memory that is searched for alternate stacks."""

SECONDS = 0.25
"""That the search may take."""

MOST_THREADS = 64
MOST_FRAMES = 64

_CHUNK = 1 << 20
_RECORD = 16
_PAGE = 4096
_SENDS = frozenset((129, 130, 131, 138, 240))
"""Numbers of kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo (asm-generic/unistd.h)."""


@dataclass(frozen=True, slots=True)
class LeftFrame:
    """A signal frame of a fault that is not in use.

    Attributes:
        thread: on whose stack it is, or where its handler returned to; None for unknown.
        frame: what it says.
        fault: the signal.
        returned: whether that thread stands where the handler returned to, and has executed
            nothing since.
    """

    thread: Thread | None
    frame: SignalFrame
    fault: SignalInfo
    returned: bool


def is_sending(session: Session, thread: Thread) -> bool:
    """Whether `thread` has just sent a signal, by its registers: it is in no handler's return."""
    registers = session.target.registers(thread)
    return not isinstance(registers, Absent) and (
        registers.get("x8") in _SENDS and registers.get("x0") == 0
    )


@once
def returned_frame(session: Session, thread: Thread) -> LeftFrame | None:
    """The frame of the fault whose handler has just returned to `thread`; None for none."""
    registers = session.target.registers(thread)
    if isinstance(registers, Absent) or "sp" not in registers:
        return None
    stack = session.strip(registers["sp"]) & ~15
    below = signal_frame(session.target, stack - _RECORD - SIZE) if stack > _PAGE * 2 else None
    found = [below] if below is not None else []
    if not any(_is_state_of(session, thread, one) for one in found):
        alone = is_sending(session, thread) or not session.info.is_dead
        found = [] if alone else list(_everywhere(session))
    for frame in found:
        fault = _returned_to(session, thread, frame)
        if fault is not None:
            return LeftFrame(thread, frame, fault, returned=True)
    return None


def _returned_to(session: Session, thread: Thread, frame: SignalFrame) -> SignalInfo | None:
    return fault_of(session, frame) if _is_state_of(session, thread, frame) else None


def _is_state_of(session: Session, thread: Thread, frame: SignalFrame) -> bool:
    """Whether a thread's registers are those that the handler returned to."""
    registers = session.target.registers(thread)
    return not isinstance(registers, Absent) and all(
        registers.get(name) == frame.registers[name] for name in NAMES
    )


@once
def left_frames(session: Session) -> tuple[LeftFrame, ...]:
    """The frames of faults below the stack pointers of a dead process, the nearest to SP first."""
    found: list[LeftFrame] = []
    for thread in session.target.threads()[:MOST_THREADS] if session.info.is_dead else ():
        for frame in reversed(tuple(_below(session, thread))):
            fault = fault_of(session, frame)
            if fault is not None:
                returned = _is_state_of(session, thread, frame)
                found.append(LeftFrame(thread, frame, fault, returned))
    return tuple(found[:MOST_FRAMES])


def _below(session: Session, thread: Thread) -> Iterator[SignalFrame]:
    registers = session.target.registers(thread)
    stack = 0 if isinstance(registers, Absent) else session.strip(registers.get("sp", 0)) & ~15
    length = BELOW
    while length >= SIZE and stack > length:
        data = session.target.read_memory(stack - length, length)
        if not isinstance(data, Absent):
            yield from signal_frames(session.target, stack - length, data)
            return
        length //= 2


@once
def _everywhere(session: Session) -> tuple[SignalFrame, ...]:
    """Signal frames in writable memory, the small mappings first, within bounds."""
    regions = session.target.regions()
    known = () if isinstance(regions, Absent) else regions
    writable = [one for one in known if "w" in one.perms and one.dumped]
    writable.sort(key=lambda one: one.end - one.start)
    left, until = MOST_BYTES, time.monotonic() + SECONDS
    found: list[SignalFrame] = []
    for region in writable:
        for start, data in _contents(session, region.start, min(region.end, region.start + left)):
            found.extend(signal_frames(session.target, start, data))
            left -= len(data)
            if left <= 0 or len(found) >= MOST_FRAMES or time.monotonic() > until:
                return tuple(found)
    return tuple(found)


def _contents(session: Session, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """What was ever written in [start, end), in pieces that overlap by a signal frame's head."""
    target = session.target
    spans = target.written(start, end) if isinstance(target, SparseMemory) else [(start, end)]
    for low, high in spans:
        for at in range(low & ~15, high, _CHUNK):
            data = target.read_memory(at, min(_CHUNK, high - at))
            if not isinstance(data, Absent):
                yield at, data
