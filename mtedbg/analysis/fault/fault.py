"""The fault that a thread stopped on, and if it is a tag check fault, all about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.access import FaultingAccess, faulting_access
from mtedbg.analysis.fault.suspects import Suspect, suspects
from mtedbg.analysis.interrupted import DONE, InterruptedFault, interrupted_fault
from mtedbg.analysis.tags.runs import by_granule
from mtedbg.dataclass import dataclass, replace
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, then
from mtedbg.model.fault import FaultKind, SignalName
from mtedbg.model.pointer import granule_of, granule_span, logical_tag, with_tag
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.analysis.fault.handling import Handling
    from mtedbg.model.instruction import MemoryAccess
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session

IMPRECISE = Absent(Reason.NOT_APPLICABLE, "asynchronous: the PC is not the faulting instruction")
"""What an asynchronous fault does not tell."""


@dataclass(frozen=True, slots=True)
class Granule:
    """A granule and its allocation tag."""

    address: int
    tag: int | Absent


@dataclass(frozen=True, slots=True)
class Fault:
    """What a thread stopped on; the first part of any signal, the second of tag check faults.

    Attributes:
        signal: as the kernel gave it, or why there is none.
        name: the same by name.
        raw_address: si_addr, tag bits kept; its bits 63:60 are undefined.
        address: the same without tag and PAC bits: anywhere in the access.
        at: the state before the instruction at the PC, and what that accesses. Of an asynchronous
            fault it is not the culprit.
        interrupted: the fault whose handler the thread is in; None where it is in none.
        being_handled: whether this is that fault; else a later signal came in the handler.

        accesses: whether the instruction at the PC accesses `address`.
        pointer_tag: the logical tag of the pointer that faulted.
        granules: all that the access touches.
        memory_tag: the allocation tag among them that did not match.
        memop: id of the runtime's memop at the PC.
        transition: what the runtime will do about it, in words.
        suspects: of an asynchronous fault, likeliest first.
    """

    signal: SignalInfo | Absent
    name: SignalName | Absent
    raw_address: int | Absent
    address: int | Absent
    at: FaultingAccess
    interrupted: InterruptedFault | None
    being_handled: bool

    accesses: bool = False
    pointer_tag: int | Absent = NOT_APPLICABLE
    granules: tuple[Granule, ...] = ()
    memory_tag: int | Absent = NOT_APPLICABLE
    memop: int | Absent = NOT_APPLICABLE
    transition: str | Absent = NOT_APPLICABLE
    suspects: tuple[Suspect, ...] = ()

    @property
    def tag_check(self) -> FaultKind | None:
        """How it was reported, of a tag check fault; None of what is something else."""
        return None if isinstance(self.name, Absent) else self.name.tag_check

    @property
    def is_imprecise(self) -> bool:
        """Whether the PC is not the culprit."""
        return self.tag_check is FaultKind.ASYNCHRONOUS

    @property
    def access(self) -> MemoryAccess | Absent:
        """What the instruction that faulted does to memory."""
        return IMPRECISE if self.is_imprecise else self.at.access

    @property
    def pointer(self) -> int | Absent:
        """The pointer that faulted, with its tag."""
        if isinstance(self.pointer_tag, Absent):
            return self.pointer_tag
        tag = self.pointer_tag
        return then(self.address, lambda address: with_tag(address, tag))


@once
def fault(session: Session, thread: Thread) -> Fault:
    """What `thread` stopped on; the fault in whose handler it is, where it was stopped there."""
    info, interrupted = session.target.signal(thread), interrupted_fault(session, thread)
    registers = session.target.registers(thread)
    being_handled = False
    if interrupted is not None and isinstance(info, Absent):
        being_handled = True
        info, registers = interrupted.signal, interrupted.registers
    name = then(info, name_signal)
    raw = _raw_address(info, name)
    met = Fault(
        info,
        name,
        raw,
        then(raw, session.strip),
        faulting_access(session, registers),
        interrupted,
        being_handled,
    )
    if met.tag_check is FaultKind.ASYNCHRONOUS:
        met = replace(met, address=IMPRECISE, suspects=_suspects(session, met.at))
    elif met.tag_check is FaultKind.SYNCHRONOUS:
        met = _synchronous(session, thread, met)
    done = interrupted is not None and being_handled and interrupted.done
    return replace(met, transition=DONE) if done else met


def _raw_address(info: SignalInfo | Absent, name: SignalName | Absent) -> int | Absent:
    if isinstance(info, Absent) or isinstance(name, Absent) or not name.addressed:
        return NOT_APPLICABLE
    return info.address


def _suspects(session: Session, at: FaultingAccess) -> tuple[Suspect, ...]:
    if isinstance(at.registers, Absent) or isinstance(at.pc, Absent):
        return ()
    return suspects(session, at.registers, at.pc)


def _synchronous(session: Session, thread: Thread, met: Fault) -> Fault:
    """The fault with its tags, and what the runtime does about it."""
    raw, address, at = met.raw_address, met.address, met.at
    if isinstance(raw, Absent) or isinstance(address, Absent):
        return replace(met, pointer_tag=raw)
    accesses = at.may_touch(address)
    pointer = raw if isinstance(at.pointer, Absent) or not accesses else at.pointer
    pointer_tag = logical_tag(pointer)
    tags = _touched(session, at.span if accesses else NOT_APPLICABLE, address)
    handled = _handling(session, thread, at.pc, tuple(tags.values()))
    return replace(
        met,
        accesses=accesses,
        pointer_tag=pointer_tag,
        granules=tuple(Granule(start, tag) for start, tag in tags.items()),
        memory_tag=_mismatch(tags, address, pointer_tag),
        memop=handled.memop,
        transition=handled.transition,
    )


def _touched(
    session: Session, span: tuple[int, int] | Absent, address: int
) -> dict[int, int | Absent]:
    """The allocation tag of every granule that an access touches, by address."""
    low, high = (address, address + 1) if isinstance(span, Absent) else span
    return by_granule(session.target.read_tags(*granule_span(low, high - low)))


def _mismatch(tags: Mapping[int, int | Absent], address: int, pointer_tag: int) -> int | Absent:
    """The tag that did not match: at the fault address, or else of the first that differs."""
    at_address = tags.get(granule_of(address))
    if at_address is not None and at_address != pointer_tag:
        return at_address
    return next((tag for tag in tags.values() if tag != pointer_tag), pointer_tag)


def _handling(
    session: Session, thread: Thread, pc: int | Absent, memory: tuple[int | Absent, ...]
) -> Handling:
    from mtedbg.analysis.fault.handling import Handling, handling

    if isinstance(pc, Absent):
        return Handling(NOT_APPLICABLE, NOT_APPLICABLE)
    return handling(session, thread, pc, memory)
