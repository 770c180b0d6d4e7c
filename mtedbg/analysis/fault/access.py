"""A thread at the moment that it stopped: its PC, the instruction there, what that accesses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtedbg.decode.code.instruction import instruction_at
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.instruction import Instruction, MemoryAccess
from mtedbg.model.pointer import GRANULE

if TYPE_CHECKING:
    from mtedbg.session import Session

LONGEST_ACCESS = 4096
"""No access is longer, DC ZVA's largest block included: a bound on what is read."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A thread that has stopped.

    Attributes:
        registers: by name.
        pc: without PAC bits.
        instruction: at the PC.
        access: what the instruction does to memory.
        pointer: the access's effective address, tag kept.
        base_value: of the access's base register.
    """

    registers: Mapping[str, int] | Absent
    pc: int | Absent
    instruction: Instruction | Absent
    access: MemoryAccess | Absent
    pointer: int | Absent
    base_value: int | Absent


def scene(session: Session, registers: Mapping[str, int] | Absent | None = None) -> Scene:
    """Where the session's thread stands, or where it stood with `registers`."""
    if registers is None:
        registers = session.target.registers(session.thread())
    if isinstance(registers, Absent):
        return Scene(registers, *[registers] * 5)
    raw = registers.get("pc")
    if raw is None:
        return Scene(registers, *[Absent(Reason.UNREADABLE, "register pc")] * 5)
    pc = session.strip(raw)
    instruction = instruction_at(session.target, pc)
    access = instruction if isinstance(instruction, Absent) else instruction.access
    if isinstance(access, Absent):
        return Scene(registers, pc, instruction, access, access, access)
    missing = Absent(Reason.UNREADABLE, f"register {access.base_name}")
    base = registers.get(access.base_name, missing)
    return Scene(registers, pc, instruction, access, access.pointer(registers), base)


def access_words(stopped: Scene) -> str:
    """What the instruction does, "store of 8 bytes", as far as it is known."""
    if isinstance(stopped.access, Absent):
        return "access"
    size = stopped.access.size
    kind = stopped.access.kind.value
    if isinstance(size, Absent):
        return kind
    return f"{kind} of {size} byte{'s' if size > 1 else ''}"


def span(session: Session, stopped: Scene) -> tuple[int, int] | Absent:
    """First and one-past-last byte of the access, where its length is known."""
    if isinstance(stopped.access, Absent):
        return stopped.access
    if isinstance(stopped.pointer, Absent):
        return stopped.pointer
    if isinstance(stopped.access.size, Absent):
        return stopped.access.size
    start = session.strip(stopped.pointer)
    return start, start + min(stopped.access.size, LONGEST_ACCESS)


def may_touch(session: Session, stopped: Scene, address: int) -> bool:
    """Whether the access is the one that faulted at `address`.

    The address may be anywhere in it, and where the length is unknown anywhere near behind.
    """
    if isinstance(stopped.access, Absent) or isinstance(stopped.pointer, Absent):
        return False
    size = stopped.access.size if present(stopped.access.size) else LONGEST_ACCESS
    start = session.strip(stopped.pointer)
    # Hardware may report the address of the granule and not of the byte.
    return start - GRANULE < address < start + size
