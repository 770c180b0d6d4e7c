"""Guest code: x86-64 instructions in guest memory, which is the host's own address space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from mtedbg.model.absent import Absent, Reason
from mtedbg.target import Target

LONGEST = 15
"""Bytes of an x86-64 instruction (Intel SDM vol. 2, 2.3.11)."""


@dataclass(frozen=True, slots=True)
class GuestInstruction:
    """One guest instruction.

    Attributes:
        address: guest address.
        size: bytes.
        mnemonic: "mov".
        operands: "rax, qword ptr [rdi + 8]".
    """

    address: int
    size: int
    mnemonic: str
    operands: str

    @property
    def text(self) -> str:
        """As an assembler writes it."""
        return f"{self.mnemonic} {self.operands}".strip()


@cache
def _disassembler() -> Any:
    """Capstone's, or None where it is not installed (a debugger's own Python may lack it)."""
    try:
        import capstone
    except (ImportError, OSError):  # its library may be of another machine
        return None
    return capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)


def can_decode() -> bool:
    """Whether there is a disassembler for this Python."""
    return _disassembler() is not None


def decode_all(code: bytes, address: int) -> Iterator[GuestInstruction]:
    """The instructions of `code`, which stands at `address`, up to the first that is none."""
    disassembler = _disassembler()
    if disassembler is None:
        return
    for at, size, mnemonic, operands in disassembler.disasm_lite(code, address):
        yield GuestInstruction(at, size, mnemonic, operands)


def guest_instruction(target: Target, address: int) -> GuestInstruction | Absent:
    """The guest instruction at `address`, or why there is none."""
    code = _bytes(target, address)
    if isinstance(code, Absent):
        return code
    if _disassembler() is None:
        return Absent(Reason.UNKNOWN, "capstone is not installed for this Python")
    found = next(decode_all(code, address), None)
    return found or Absent(Reason.DAMAGED, f"{code[:4].hex(' ')} … is no instruction")


def _bytes(target: Target, address: int) -> bytes | Absent:
    """Enough for one instruction, or fewer where memory ends."""
    whole = target.read_memory(address, LONGEST)
    if not isinstance(whole, Absent):
        return whole
    page_end = (address | 0xFFF) + 1
    return target.read_memory(address, min(page_end - address, LONGEST))
