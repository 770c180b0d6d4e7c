"""Guest code: x86-64 instructions in guest memory, which is the host's own address space."""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.decode.code.disassembler import Line, Machine, disassembler
from mtedbg.model.absent import Absent, Reason
from mtedbg.target import Target

LONGEST = 15
"""Bytes of an x86-64 instruction (Intel SDM vol. 2, 2.3.11)."""


def can_decode() -> bool:
    """Whether there is a disassembler for this Python."""
    return disassembler(Machine.X86_64) is not None


def decode_all(code: bytes, address: int) -> Iterator[Line]:
    """The instructions of `code`, which stands at `address`, up to the first that is none."""
    lines = disassembler(Machine.X86_64)
    yield from () if lines is None else lines(code, address)


def guest_instruction(target: Target, address: int) -> Line | Absent:
    """The guest instruction at `address`, or why there is none."""
    code = _bytes(target, address)
    if isinstance(code, Absent):
        return code
    if not can_decode():
        return Absent(Reason.UNKNOWN, "capstone is not installed for this Python")
    found = next(decode_all(code, address), None)
    return found or Absent(Reason.DAMAGED, f"{code[:4].hex(' ')} … is not an instruction")


def _bytes(target: Target, address: int) -> bytes | Absent:
    """Enough for one instruction, or fewer where memory ends."""
    whole = target.read_memory(address, LONGEST)
    if not isinstance(whole, Absent):
        return whole
    page_end = (address | 0xFFF) + 1
    return target.read_memory(address, min(page_end - address, LONGEST))
