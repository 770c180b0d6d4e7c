"""Return addresses: what stands before them, and what signs them.

Sources: Arm ARM C6.2, BL, BLR, BLRAA; D8.10 "Pointer authentication": the code is in the bits above
the address space, bit 55 left out.
"""

from __future__ import annotations

from collections.abc import Callable

from mtedbg.model.absent import Absent
from mtedbg.model.memory import Region
from mtedbg.model.pointer import KERNEL_HALF
from mtedbg.target import Target

_CALLS = (
    (0xFC000000, 0x94000000),  # BL
    (0xFFFFFC1F, 0xD63F0000),  # BLR
    (0xFEFFF800, 0xD63F0800),  # BLRAA, BLRAB, BLRAAZ, BLRABZ
)
_SPACES = (52, 48, 47, 42, 39, 36)
"""Bits of the address spaces that arm64 Linux can be built with (CONFIG_ARM64_VA_BITS)."""


def follows_call(target: Target, address: int) -> bool | Absent:
    """Whether the instruction before `address` is a call, or why it cannot be read."""
    data = target.read_memory(address - 4, 4) if address >= 4 else b""
    if isinstance(data, Absent):
        return data
    return is_call(int.from_bytes(data, "little"))


def is_call(word: int) -> bool:
    """Whether an instruction is a call: it writes x30."""
    return any(word & mask == value for mask, value in _CALLS)


def without_signature(address: int, region_at: Callable[[int], Region | None], end: int = 0) -> int:
    """A return address without its authentication code, where no mask is known.

    Only bits that cannot be the address's own are taken away: those above an address space that
    holds all mappings, and only if that leads to code. QEMU's user mode notes no mask.

    Args:
        address: without tag.
        region_at: finds mappings.
        end: one past the last address that is mapped; 0 where unknown.
    """
    if region_at(address) is not None or address & KERNEL_HALF:
        return address
    for bits in _SPACES:
        if end > 1 << bits:
            break
        bare = address & (1 << bits) - 1
        region = region_at(bare)
        if region is not None and "x" in region.perms:
            return bare
    return address
