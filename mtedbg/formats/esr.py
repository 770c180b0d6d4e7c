"""ESR_EL1, as the kernel prints it for a process: which exception it was.

Source: Arm ARM (DDI 0487) D17.2.37 "ESR_EL1": EC in bits 31:26; of aborts DFSC or IFSC in bits 5:0
and WnR in bit 6.
"""

from __future__ import annotations

from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.crash_text import Syndrome

_CLASSES = {
    0x00: "unknown instruction",
    0x07: "access to floating point or SIMD",
    0x0D: "branch target exception",
    0x0E: "illegal execution state",
    0x15: "system call",
    0x19: "access to SVE",
    0x1C: "pointer authentication failure",
    0x20: "instruction abort",
    0x22: "PC alignment",
    0x24: "data abort",
    0x26: "SP alignment",
    0x2C: "floating point exception",
    0x2F: "SError",
    0x30: "breakpoint",
    0x32: "single step",
    0x34: "watchpoint",
    0x3C: "BRK instruction",
}
_INSTRUCTION, _DATA = 0x20, 0x24
_TAG_CHECK = 0x11
_LEVELS = {0x00: "address size fault", 0x04: "translation fault", 0x08: "access flag fault"}
_LEVELS |= {0x0C: "permission fault", 0x14: "external abort on a table walk"}
_STATUS = {0x10: "external abort", _TAG_CHECK: "synchronous tag check fault"}
_STATUS |= {0x21: "alignment fault", 0x30: "conflict in the TLB"}
_WRITE = 1 << 6


def syndrome(value: int) -> Syndrome:
    """What the 64 bits of ESR_EL1 say."""
    kind = value >> 26 & 0x3F
    words = _CLASSES.get(kind, f"exception class {kind:#x}")
    if kind not in (_INSTRUCTION, _DATA):
        return Syndrome(words, tag_check=False, write=NOT_APPLICABLE)
    status = value & 0x3F
    level = _LEVELS.get(status & ~3)
    why = _STATUS.get(status) or (
        f"{level}, level {status & 3}" if level else f"status {status:#x}"
    )
    write: bool | Absent = bool(value & _WRITE) if kind == _DATA else NOT_APPLICABLE
    return Syndrome(f"{words}: {why}", kind == _DATA and status == _TAG_CHECK, write)
