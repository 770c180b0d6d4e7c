"""The signal handlers that a thread is in, by the signal frames on its stacks.

A signal frame stays where it is when its handler has returned, until something overwrites it. It
is in use where the chain of calls leads to it, where it is the first on the alternate stack that
the thread is on, or where the thread still blocks the signal as it does in the handler.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import region_at
from mtedbg.analysis.fault.access import LONGEST_ACCESS, faulting_access
from mtedbg.analysis.stacks.host_calls import FrameKind, host_calls
from mtedbg.analysis.tags.span import tag_at
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.control import control_of
from mtedbg.decode.stack.host_stack import frame_record
from mtedbg.decode.stack.signal_frame import SignalFrame, signal_frames
from mtedbg.decode.stack.signal_of_syndrome import ACCERR, MAPERR, MTESERR
from mtedbg.formats.siginfo import SIGSEGV, name_signal, signal_info
from mtedbg.model.absent import Absent, present, then
from mtedbg.model.control import is_late
from mtedbg.model.pointer import logical_tag
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session

REACH = 1 << 16
"""Bytes above SP in which a handler's signal frame is looked for."""

MOST = 8
"""Handlers inside each other."""

_LEAST_READ = 1 << 10
_MOST_RECORDS = 64
_AT_THE_TOP = 64
"""Bytes at the upper end of an alternate stack that its first signal frame may leave."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler that a thread is in.

    Attributes:
        frame: what the kernel has put on the stack for it.
        fault: the signal, where the kernel raised it because of what the interrupted code did.
        evidence: why it is in use, in words.
    """

    frame: SignalFrame
    fault: SignalInfo | None
    evidence: str


def fault_of(session: Session, frame: SignalFrame) -> SignalInfo | None:
    """The signal of a frame, where the kernel raised it because of what the code did.

    Of a handler that asked for no siginfo there is the syndrome alone, which may be an older
    fault's: it is believed where the interrupted instruction accesses that address. The siginfo is
    then what was there before, and may look like that of a signal that was sent.
    """
    if frame.informed and present(frame.signal) and is_of_fault(frame.signal):
        return frame.signal
    raised = frame.raised
    if raised is None:
        return None if frame.informed else _by_tags(session, frame)
    address = then(raised.address, session.strip)
    if isinstance(address, Absent) or not _accesses(session, frame, address):
        return None
    if frame.informed and _is_mended(session, frame, address):
        return None
    if (raised.number, raised.code) != (SIGSEGV, MAPERR):
        return raised
    # A translation fault is of memory without pages yet, too.
    mapped = region_at(session, address) is not None
    return replace(raised, code=ACCERR) if mapped else raised


def is_of_fault(signal: SignalInfo) -> bool:
    """Whether the kernel raised a signal because of what the code did."""
    name = name_signal(signal)
    return name.addressed or name.tag_check is not None


def _is_mended(session: Session, frame: SignalFrame, address: int) -> bool:
    """Whether the interrupted access matches its memory: an earlier fault was handled."""
    at = faulting_access(session, frame.registers, address)
    tag = then(at.pointer, logical_tag)
    return present(tag) and tag == tag_at(session, address)


def _by_tags(session: Session, frame: SignalFrame) -> SignalInfo | None:
    """A tag check fault, where the interrupted instruction's tag is not its memory's.

    QEMU's user mode writes no syndrome.
    """
    address = session.strip(frame.fault_address)
    at = faulting_access(session, frame.registers, address)
    if isinstance(at.pointer, Absent) or not (at.is_checked and at.may_touch(address)):
        return None
    memory = tag_at(session, address)
    if isinstance(memory, Absent) or memory == logical_tag(at.pointer):
        return None
    return signal_info(SIGSEGV, MTESERR, address)


def _accesses(session: Session, frame: SignalFrame, address: int) -> bool:
    """Whether the interrupted instruction accesses `address`, as far as that can be known."""
    at = faulting_access(session, frame.registers, address)
    if at.pc == address or at.may_touch(address):
        return True
    if not at.untold:
        return False
    near = (session.strip(value) - address for value in frame.registers.values())
    return any(-LONGEST_ACCESS < distance < LONGEST_ACCESS for distance in near)


@once
def handlers(session: Session, thread: Thread) -> tuple[Handler, ...]:
    """The handlers that `thread` is in, the innermost first."""
    registers = session.target.registers(thread)
    if isinstance(registers, Absent):
        return ()
    found: list[Handler] = []
    state: Mapping[str, int] = registers
    while len(found) < MOST:
        inner = next(_in_use(session, thread, state), None)
        if inner is None or any(inner.frame.address == one.frame.address for one in found):
            break
        found.append(inner)
        state = inner.frame.registers
    return tuple(found)


def is_asynchronous(thread: Thread, frame: SignalFrame) -> bool:
    """Whether a handler without a siginfo may be that of an asynchronous tag check fault.

    It is SIGSEGV's, by what it blocks, and no other fault has no syndrome.
    """
    if present(frame.signal) or frame.syndrome is not None or isinstance(thread.blocked, Absent):
        return False
    is_segv = bool(thread.blocked & ~frame.blocked & 1 << SIGSEGV - 1)
    return is_segv and is_late(control_of(thread).tcf)


def _in_use(session: Session, thread: Thread, state: Mapping[str, int]) -> Iterator[Handler]:
    """The handlers that code with these registers is in, the innermost first."""
    stack = session.strip(state.get("sp", 0)) & ~15
    found = tuple(signal_frames(session.target, stack, _above(session, stack)))
    if not found:
        return
    records = _records(session, state)
    for frame in found:
        if why := _why_in_use(session, thread, frame, stack, records):
            yield Handler(frame, fault_of(session, frame), why)


def _above(session: Session, stack: int) -> bytes:
    """What there is above the stack pointer, up to a bound."""
    length = REACH
    region = region_at(session, stack) if session.info.is_dead else None
    if region is not None:
        length = min(length, region.end - stack)
    while stack and length >= _LEAST_READ:
        data = session.target.read_memory(stack, length)
        if not isinstance(data, Absent):
            return data
        length //= 2
    return b""


def _records(session: Session, state: Mapping[str, int]) -> frozenset[int]:
    """Addresses of the frame records that x29 leads to."""
    seen: dict[int, None] = {}
    frame = session.strip(state.get("x29", 0))
    while frame and frame not in seen and len(seen) < _MOST_RECORDS:
        record = frame_record(session.target, frame)
        if isinstance(record, Absent):
            break
        seen[frame] = None
        frame = session.strip(record[0])
    return frozenset(seen)


def _why_in_use(
    session: Session, thread: Thread, frame: SignalFrame, stack: int, records: frozenset[int]
) -> str:
    """What says that the handler of `frame` has not returned; empty where nothing does."""
    if frame.record in records:
        return "the chain of frame records leads to that signal frame"
    if _is_first_on_alternate(frame, stack):
        return "that signal frame is the first on the alternate stack, which the thread is on"
    if _is_blocked(thread, frame):
        return "the thread blocks that signal, which the interrupted code did not"
    calls = host_calls(session, thread)
    pc = session.strip(frame.registers["pc"])
    interrupted = () if isinstance(calls, Absent) else calls.frames
    if any(one.kind is FrameKind.INTERRUPTED and one.pc == pc for one in interrupted):
        return "the chain of calls leads to that signal frame"
    return ""


def _is_first_on_alternate(frame: SignalFrame, stack: int) -> bool:
    if frame.alternate is None or frame.record is None:
        return False
    low, high = frame.alternate
    return low <= stack < high and high - _AT_THE_TOP <= frame.record < high


def _is_blocked(thread: Thread, frame: SignalFrame) -> bool:
    """Whether the signal is blocked now, and was not where it came."""
    if isinstance(thread.blocked, Absent):
        return False
    added = thread.blocked & ~frame.blocked
    if isinstance(frame.signal, Absent):
        return added != 0
    return bool(added & 1 << frame.signal.number - 1)
