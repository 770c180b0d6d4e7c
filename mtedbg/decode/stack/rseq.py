"""The kernel's own word on which cpu a thread runs: the rseq area.

Source: include/uapi/linux/rseq.h: cpu_id_start u32, cpu_id u32, …; glibc registers the area at
thread pointer + `__rseq_offset` and tells its size in `__rseq_size`, 0 where it is not registered.
"""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.target import Target

_CPU_ID = 4
_NOT_REGISTERED = (0xFFFF_FFFF, 0xFFFF_FFFE)  # RSEQ_CPU_ID_UNINITIALIZED, …_REGISTRATION_FAILED


def kernel_cpu(target: Target, registers: Mapping[str, int], area: int) -> int | Absent:
    """The number of the cpu, or why the kernel does not tell.

    Args:
        target: the process.
        registers: of the host thread.
        area: address of the rseq area, 0 where the runtime does not tell it.
    """
    address = area or _area(target, registers)
    if isinstance(address, Absent):
        return address
    data = target.read_memory(address + _CPU_ID, 4)
    if isinstance(data, Absent):
        return data
    cpu = int.from_bytes(data, "little")
    return NOT_APPLICABLE if cpu in _NOT_REGISTERED else cpu


def _area(target: Target, registers: Mapping[str, int]) -> int | Absent:
    size = _variable(target, "__rseq_size", 4)
    if size == 0:
        return NOT_APPLICABLE
    offset = _variable(target, "__rseq_offset", 8)
    if isinstance(offset, Absent):
        return offset
    pointer = registers.get("tpidr")
    if pointer is None:
        return Absent(Reason.UNREADABLE, "register tpidr")
    return (pointer + offset) & ((1 << 64) - 1)


def _variable(target: Target, name: str, width: int) -> int | Absent:
    address = target.symbol_address(name)
    if isinstance(address, Absent):
        return Absent(Reason.UNKNOWN, f"no symbol {name}")
    data = target.read_memory(address, width)
    return data if isinstance(data, Absent) else int.from_bytes(data, "little")
