"""ESR_EL1, as the kernel prints it for a process: which exception it was.

Source: Arm ARM (DDI 0487) D17.2.37 "ESR_EL1": EC in bits 31:26; of aborts DFSC or IFSC in bits 5:0
and WnR in bit 6; ISS2 from bit 32: Overlay 6, GCS 8, TagAccess 9, TnD 10 (also Linux,
arch/arm64/include/asm/esr.h).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE, Absent

if TYPE_CHECKING:
    from mtedbg.model.crash_text import Syndrome

_CLASSES = {
    0x00: "unknown instruction",
    0x01: "WFI or WFE",
    0x07: "access to floating point or SIMD",
    0x09: "pointer authentication disabled",
    0x0D: "branch target exception",
    0x0E: "illegal execution state",
    0x15: "system call",
    0x18: "access to a system register",
    0x19: "access to SVE",
    0x1B: "access to TSTART",
    0x1C: "pointer authentication failure",
    0x1D: "access to SME",
    0x20: "instruction abort",
    0x21: "instruction abort in the kernel",
    0x22: "PC alignment",
    0x24: "data abort",
    0x25: "data abort in the kernel",
    0x26: "SP alignment",
    0x27: "memory copy or set out of its order",
    0x28: "floating point exception of AArch32",
    0x2C: "floating point exception",
    0x2D: "Guarded Control Stack exception",
    0x2F: "SError",
    0x30: "breakpoint",
    0x31: "breakpoint in the kernel",
    0x32: "single step",
    0x33: "single step in the kernel",
    0x34: "watchpoint",
    0x35: "watchpoint in the kernel",
    0x38: "BKPT instruction of AArch32",
    0x3C: "BRK instruction",
}
_INSTRUCTION, _DATA = (0x20, 0x21), (0x24, 0x25)
_KERNEL = (0x21, 0x25, 0x31, 0x33, 0x35)
_OVERLAY, _GCS, _TAG_ACCESS, _TAG_NOT_DATA = 1 << 38, 1 << 40, 1 << 41, 1 << 42
_TAG_CHECK = 0x11
_LEVELS = {0x00: "address size fault", 0x04: "translation fault", 0x08: "access flag fault"}
_LEVELS |= {0x0C: "permission fault", 0x14: "external abort on a table walk"}
_STATUS = {0x10: "external abort", _TAG_CHECK: "synchronous tag check fault"}
_STATUS |= {0x21: "alignment fault", 0x30: "conflict in the TLB"}
_WRITE = 1 << 6


def syndrome(value: int) -> Syndrome:
    """What the 64 bits of ESR_EL1 say."""
    from mtedbg.model.crash_text import Syndrome

    kind = value >> 26 & 0x3F
    words = _CLASSES.get(kind, f"exception class {kind:#x}")
    kernel = kind in _KERNEL
    if kind not in (*_INSTRUCTION, *_DATA):
        return Syndrome(words, tag_check=False, write=NOT_APPLICABLE, kernel=kernel)
    status = value & 0x3F
    level = _LEVELS.get(status & ~3)
    why = _STATUS.get(status) or (
        f"{level}, level {status & 3}" if level else f"status {status:#x}"
    )
    data = kind in _DATA
    write: bool | Absent = bool(value & _WRITE) if data else NOT_APPLICABLE
    tag_check = data and status == _TAG_CHECK
    return Syndrome(f"{words}: {why}{_more(value, data=data)}", tag_check, write, kernel)


def _more(value: int, *, data: bool) -> str:
    """What the second half of the syndrome adds."""
    more = []
    if value & _OVERLAY:
        more.append("by a permission overlay (POE)")
    if data and value & _GCS:
        more.append("of the Guarded Control Stack")
    if data and value & _TAG_ACCESS:
        more.append("while it accessed tags")
    if data and value & _TAG_NOT_DATA:
        more.append("for the page has no tags")
    return f", {', '.join(more)}" if more else ""
