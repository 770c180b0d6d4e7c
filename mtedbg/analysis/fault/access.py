"""The faulting access: where a thread stopped, the instruction there, and what that accesses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.decode.code.instruction import instruction_at
from mtedbg.model.absent import Absent, Reason, or_else, then
from mtedbg.model.instruction import Instruction, MemoryAccess
from mtedbg.model.pointer import GRANULE

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
    """

    registers: Mapping[str, int] | Absent
    pc: int | Absent
    instruction: Instruction | Absent
    access: MemoryAccess | Absent
    pointer: int | Absent
    address: int | Absent
    base_value: int | Absent

    @property
    def words(self) -> str:
        """What the instruction does, "store of 8 bytes", as far as it is known."""
        if isinstance(self.access, Absent):
            return "access"
        size = self.access.size
        kind = self.access.kind.value
        if isinstance(size, Absent):
            return kind
        return f"{kind} of {size} byte{'s' if size > 1 else ''}"

    @property
    def span(self) -> tuple[int, int] | Absent:
        """First and one-past-last byte of the access, where its length is known."""
        if isinstance(self.access, Absent):
            return self.access
        if isinstance(self.address, Absent):
            return self.address
        if isinstance(self.access.size, Absent):
            return self.access.size
        return self.address, self.address + min(self.access.size, LONGEST_ACCESS)

    def may_touch(self, address: int) -> bool:
        """Whether the access is the one that faulted at `address`.

        The address may be anywhere in it, and where the length is unknown anywhere soon after
        its beginning.
        """
        if isinstance(self.access, Absent) or isinstance(self.address, Absent):
            return False
        # Hardware may report the address of the granule and not of the byte.
        end = self.address + or_else(self.access.size, LONGEST_ACCESS)
        return self.address - GRANULE < address < end


def faulting_access(session: Session, registers: Mapping[str, int] | Absent) -> FaultingAccess:
    """What a thread with these registers is about to do.

    Args:
        session: where.
        registers: by name, as they are before the instruction at the PC.
    """
    if isinstance(registers, Absent):
        return FaultingAccess(registers, *[registers] * 6)
    raw = registers.get("pc")
    if raw is None:
        return FaultingAccess(registers, *[Absent(Reason.UNREADABLE, "register pc")] * 6)
    pc = session.strip(raw)
    instruction = instruction_at(session.target, pc)
    access = instruction if isinstance(instruction, Absent) else instruction.access
    if isinstance(access, Absent):
        return FaultingAccess(registers, pc, instruction, access, access, access, access)
    pointer = access.pointer(registers)
    missing = Absent(Reason.UNREADABLE, f"register {access.base_name}")
    base = registers.get(access.base_name, missing)
    address = then(pointer, session.strip)
    return FaultingAccess(registers, pc, instruction, access, pointer, address, base)
