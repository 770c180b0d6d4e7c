"""The fault that a thread stopped on, and if it is a tag check fault, all about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.access import FaultingAccess, faulting_access
from mtedbg.analysis.fault.access_tags import (
    InferredTag,
    failed_granule,
    inferred_tag,
    touched,
)
from mtedbg.analysis.fault.behind import fault_behind, returned_fault
from mtedbg.analysis.fault.exception import exception_taken
from mtedbg.analysis.fault.suspects import Suspect, can_compare, suspects
from mtedbg.analysis.interrupted import DONE, InterruptedFault, interrupted_fault
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.control import control_of
from mtedbg.formats.esr import syndrome
from mtedbg.formats.siginfo import SI_KERNEL, name_signal
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, then
from mtedbg.model.control import CheckMode, is_late
from mtedbg.model.fault import FaultKind, SignalName
from mtedbg.model.pointer import granule_of, logical_tag, with_tag
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.analysis.fault.handling import Handling
    from mtedbg.model.instruction import MemoryAccess
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session

IMPRECISE = Absent(Reason.NOT_APPLICABLE, "asynchronous: the PC is not the faulting instruction")
"""What an asynchronous fault does not tell."""

UNTOLD_TAG = Absent(Reason.UNKNOWN, "handlers get si_addr without its tag")
"""What a handler is not told that has not asked for it (SA_EXPOSE_TAGBITS)."""


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
        raw_address: si_addr, tag bits kept; its bits 63:60 are undefined without `has_mte_far`.
        address: the same without tag and PAC bits: anywhere in the access.
        at: the state before the instruction at the PC, and what that accesses. Of an asynchronous
            fault it is not the culprit.
        interrupted: the same as the kernel described it to its handler, where that runs or has
            just returned; None where the thread has stopped on the fault itself.
        later: the signal that the thread has stopped on after this one, in the handler or when
            that returned; does not apply where there was none.
        late: how tags are checked, where a tag check fault of this thread may have been overtaken
            by this signal; None where none can have been.
        sent: who sent it, in words: "sent by the process itself"; empty of what was not sent.

        accesses: whether the instruction at the PC accesses `address`.
        pointer_tag: the logical tag of the pointer that faulted.
        inferred: how that is known, where only the registers tell it.
        granules: all that the access touches; of a long one, those around the address.
        memory_tag: the allocation tag among them that did not match.
        failed: the address of the granule with that tag.
        memop: id of the runtime's memop at the PC.
        transition: what the runtime will do about it, in words.
        suspects: of an asynchronous fault, likeliest first.
        compared: whether any of its registers points to memory whose tag is known.
        has_mte_far: whether bits 63:60 of the raw address are the pointer's, or why that is not
            known; does not apply to what is not synchronous.
    """

    signal: SignalInfo | Absent
    name: SignalName | Absent
    raw_address: int | Absent
    address: int | Absent
    at: FaultingAccess
    interrupted: InterruptedFault | None = None
    later: SignalName | Absent = NOT_APPLICABLE
    sent: str = ""
    late: CheckMode | None = None

    accesses: bool = False
    pointer_tag: int | Absent = NOT_APPLICABLE
    inferred: InferredTag | None = None
    granules: tuple[Granule, ...] = ()
    memory_tag: int | Absent = NOT_APPLICABLE
    failed: int | Absent = NOT_APPLICABLE
    memop: int | Absent = NOT_APPLICABLE
    transition: str | Absent = NOT_APPLICABLE
    suspects: tuple[Suspect, ...] = ()
    compared: bool = True
    has_mte_far: bool | Absent = NOT_APPLICABLE

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
    def begin(self) -> int | Absent:
        """Where the access begins, without tag; where that is not known, the fault address."""
        return self.at.address if self.accesses else self.address

    @property
    def words(self) -> str:
        """What was done, "store of 8 bytes", as far as it is known."""
        if self.accesses or (self.at.is_checked and self.at.untold):
            return self.at.words
        before = self.interrupted
        known = None if before is None else before.syndrome
        # QEMU says of DC ZVA that it reads: only a write is certain.
        writes = known is not None and or_else(syndrome(known).write, False)
        return "write" if writes else "access"

    @property
    def pointer(self) -> int | Absent:
        """The pointer that faulted, with its tag."""
        if isinstance(self.pointer_tag, Absent):
            return self.pointer_tag
        tag = self.pointer_tag
        return then(self.address, lambda address: with_tag(address, tag))

    @property
    def is_certain(self) -> bool:
        """Whether nothing of it is a hypothesis but what may have caused it."""
        return self.interrupted is None or self.interrupted.certain


@once
def fault(session: Session, thread: Thread) -> Fault:
    """What `thread` stopped on.

    Where it was stopped, or sent another signal, in the handler of a fault, or where that has just
    returned: that fault. Of several inside each other, the first.
    """
    info = session.target.signal(thread)
    before = (
        exception_taken(session, thread)
        or interrupted_fault(session, thread)
        or fault_behind(session, thread)
    )
    if before is None:
        met = _met(session, thread, info, session.target.registers(thread))
        before = _sent_again(session, thread, met)
        if before is None:
            return met
    return handled_fault(session, thread, before, then(info, name_signal))


def _sent_again(session: Session, thread: Thread, met: Fault) -> InterruptedFault | None:
    """The fault that a handler has sent again with its own siginfo, in which si_addr has no tag."""
    raw = met.raw_address
    if isinstance(raw, Absent) or logical_tag(raw) or met.accesses or met.tag_check is None:
        return None
    return None if met.is_imprecise else returned_fault(session, thread)


def handled_fault(
    session: Session, thread: Thread, before: InterruptedFault, later: SignalName | Absent
) -> Fault:
    """A fault as it was described to its handler.

    Args:
        session: where.
        thread: that faulted.
        before: the description.
        later: the signal that came after it, where one did.
    """
    met = _met(session, thread, before.signal, before.registers, before)
    return replace(met, later=later, transition=DONE if before.done else met.transition)


def _met(
    session: Session,
    thread: Thread,
    info: SignalInfo | Absent,
    registers: Mapping[str, int] | Absent,
    before: InterruptedFault | None = None,
) -> Fault:
    name = then(info, name_signal)
    raw = _raw_address(info, name)
    address = then(raw, session.strip)
    at = faulting_access(session, registers, address)
    met = Fault(info, name, raw, address, at, before)
    if met.tag_check is FaultKind.ASYNCHRONOUS:
        found = _suspects(session, met.at)
        compared = bool(found) or can_compare(session, met.at.registers)
        return replace(met, address=IMPRECISE, suspects=found, compared=compared)
    if met.tag_check is FaultKind.SYNCHRONOUS:
        return _synchronous(session, thread, met)
    return replace(met, sent=_sent(session, info, name), late=_late(thread, info))


def _late(thread: Thread, info: SignalInfo | Absent) -> CheckMode | None:
    mode = control_of(thread).tcf
    if isinstance(info, Absent) or isinstance(mode, Absent) or not is_late(mode):
        return None
    return mode


def _sent(session: Session, info: SignalInfo | Absent, name: SignalName | Absent) -> str:
    """Who sent a signal, in words."""
    if isinstance(info, Absent) or isinstance(name, Absent) or not name.sent:
        return ""
    if isinstance(info.sender, Absent):
        return "sent by the kernel" if info.code == SI_KERNEL else "sent"
    own = info.sender == session.info.pid
    return "sent by the process itself" if own else f"sent by process {info.sender}"


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
    met = replace(met, has_mte_far=session.info.has_mte_far)
    if isinstance(raw, Absent) or isinstance(address, Absent):
        return replace(met, pointer_tag=raw)
    accesses = at.is_checked and at.may_touch(address)
    pointer = raw if isinstance(at.pointer, Absent) or not accesses else at.pointer
    pointer_tag: int | Absent = logical_tag(pointer)
    tags = touched(session, at.span if accesses else NOT_APPLICABLE, address)
    inferred = None
    if pointer_tag == 0 and met.interrupted is not None and not accesses:
        inferred = inferred_tag(session, at.registers, address, tags[granule_of(address)])
        pointer_tag = UNTOLD_TAG if inferred is None else inferred.tag
    failed = failed_granule(tags, address, pointer_tag)
    handled = _handling(session, thread, at.pc, tuple(tags.values()))
    return replace(
        met,
        accesses=accesses,
        pointer_tag=pointer_tag,
        granules=tuple(Granule(start, tag) for start, tag in tags.items()),
        inferred=inferred,
        memory_tag=tags[failed],
        failed=failed,
        memop=handled.memop,
        transition=handled.transition,
    )


def _handling(
    session: Session, thread: Thread, pc: int | Absent, memory: tuple[int | Absent, ...]
) -> Handling:
    from mtedbg.analysis.fault.handling import Handling, handling

    if isinstance(pc, Absent):
        return Handling(NOT_APPLICABLE, NOT_APPLICABLE)
    return handling(session, thread, pc, memory)
