"""The faulting access: where a thread stopped, the instruction there, and what that accesses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.code.instruction import instruction_at
from mtedbg.decode.code.memory_copy import sides
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, then
from mtedbg.model.instruction import Instruction, MemoryAccess
from mtedbg.model.pointer import GRANULE
from mtedbg.model.words import counted

if TYPE_CHECKING:
    from mtedbg.session import Session

LONGEST_ACCESS = 4096
"""No access is longer, DC ZVA's largest block included: a bound on what is read."""


@dataclass(frozen=True, slots=True)
class FaultingAccess:
    """The state of a thread that has stopped, before the instruction at its PC.

    Attributes:
        registers: by name.
        pc: without PAC bits.
        instruction: at the PC.
        access: what the instruction does to memory.
        pointer: the access's effective address, tag kept.
        address: the same without tag and PAC bits.
        base_value: of the access's base register.
        most: bytes that are accessed at most.
    """

    registers: Mapping[str, int] | Absent
    pc: int | Absent
    instruction: Instruction | Absent
    access: MemoryAccess | Absent
    pointer: int | Absent
    address: int | Absent
    base_value: int | Absent
    most: int | Absent

    @property
    def words(self) -> str:
        """What the instruction does, "store of 8 bytes", as far as it is known."""
        if isinstance(self.access, Absent):
            return "access"
        kind = self.access.kind.value
        size, most = self.access.size, self.most
        if self.access.copy is not None and not isinstance(size, Absent):
            whole = "set" if self.access.copy.source is None else "copy"
            return f"{kind} of the last {counted(size, 'byte')} of a memory {whole}"
        if not isinstance(size, Absent):
            return f"{kind} of {counted(size, 'byte')}"
        return kind if isinstance(most, Absent) else f"{kind} of up to {counted(most, 'byte')}"

    @property
    def untold(self) -> str:
        """Why it cannot be told which addresses are accessed; empty where it can."""
        if isinstance(self.instruction, Absent):
            return "the instruction at the PC cannot be read"
        if isinstance(self.access, Absent):
            unknown = self.access.is_hole
            return f"the instruction at the PC is {self.access.detail}" if unknown else ""
        if isinstance(self.pointer, Absent):
            why = self.pointer.detail or str(self.pointer)
            return f"which addresses the instruction at the PC accesses is not known here ({why})"
        return ""

    @property
    def is_checked(self) -> bool:
        """Whether it is known to access memory with a tag check."""
        return not isinstance(self.access, Absent) and self.access.checked

    @property
    def span(self) -> tuple[int, int] | Absent:
        """First and one-past-last byte of the access, where its length is known."""
        if isinstance(self.access, Absent):
            return self.access
        if isinstance(self.address, Absent):
            return self.address
        if isinstance(self.most, Absent):
            return self.most
        return self.address, self.address + self.most

    def may_touch(self, address: int) -> bool:
        """Whether the access is the one that faulted at `address`.

        The address may be anywhere in it, and where the length is unknown anywhere soon after
        its beginning.
        """
        if isinstance(self.access, Absent) or isinstance(self.address, Absent):
            return False
        # Hardware may report the address of the granule and not of the byte.
        end = self.address + or_else(self.most, LONGEST_ACCESS)
        return self.address - GRANULE < address < end


def faulting_access(
    session: Session, registers: Mapping[str, int] | Absent, fault: int | Absent = NOT_APPLICABLE
) -> FaultingAccess:
    """What a thread with these registers is about to do.

    Args:
        session: where.
        registers: by name, as they are before the instruction at the PC.
        fault: the address that faulted (without tag), which tells the two areas of a copy apart.
    """
    if isinstance(registers, Absent):
        return FaultingAccess(registers, *[registers] * 7)
    raw = registers.get("pc")
    if raw is None:
        return FaultingAccess(registers, *[Absent(Reason.UNREADABLE, "register pc")] * 7)
    pc = session.strip(raw)
    instruction = instruction_at(session.target, pc)
    access = instruction if isinstance(instruction, Absent) else instruction.access
    if isinstance(access, Absent):
        return FaultingAccess(registers, pc, instruction, *[access] * 5)
    pointer = access.pointer(registers)
    if access.copy is not None:
        access, pointer = _side(session, registers, access, pointer, fault)
    missing = Absent(Reason.UNREADABLE, f"register {access.base_name}")
    base = registers.get(access.base_name, missing)
    address, most = then(pointer, session.strip), access.most(registers)
    return FaultingAccess(registers, pc, instruction, access, pointer, address, base, most)


def _side(
    session: Session,
    registers: Mapping[str, int],
    access: MemoryAccess,
    pointer: int | Absent,
    fault: int | Absent,
) -> tuple[MemoryAccess, int | Absent]:
    """The area of a copy that holds the address that faulted; else the one that is written."""
    known = list(sides(access, registers))
    for one in known:
        start = session.strip(one.pointer)
        if isinstance(fault, int) and start - GRANULE < fault < start + one.size:
            return replace(access, kind=one.kind, base=one.base, size=one.size), one.pointer
    for one in known[:1]:
        return replace(access, size=one.size), one.pointer
    return access, pointer
