"""Signal frames on the stack of an x86-64 program.

Sources: Linux, arch/x86/include/asm/sigframe.h (rt_sigframe), arch/x86/include/uapi/asm/ucontext.h,
arch/x86/include/uapi/asm/sigcontext.h; Intel SDM volume 1, 10.5.1 (the FXSAVE area).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from mtedbg.decode.code.guest_code import GuestCode
from mtedbg.formats.siginfo import signal_info
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.frame import VECTOR_REGISTERS
from mtedbg.model.guest_signal_frame import GuestSignalFrame
from mtedbg.model.process import SignalInfo

_MOST_FLAGS = 0xF
_SAVED = "r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip rflags".split()  # noqa: SIM905
_FRAME = struct.Struct("<3Q 24x 18Q 40x Q")
"""Return address, uc_flags, uc_link; the registers; behind segments and the trap, fpstate."""
_INFO_AT = 312
"""Of siginfo_t: behind the return address and the ucontext, whose signal mask has 8 bytes."""
_INFO = struct.Struct("<3i 4x Q")
"""si_signo, si_errno, si_code, si_addr (include/uapi/asm-generic/siginfo.h)."""
_MOST_SIGNALS = 64
_FXSAVE = 512
_MXCSR_AT, _X87_AT, _VECTORS_AT = 24, 32, 160
_EACH, _X87_BYTES = 16, 10


def signal_frame_at(code: GuestCode, slot: int) -> GuestSignalFrame | None:
    """The frame of the signal handler whose return address is at `slot`; None where it is none.

    Args:
        code: the guest's, and its memory.
        slot: an address on its stack.
    """
    restorer = code.word(slot)
    flags, link = code.word(slot + 8), code.word(slot + 16)
    if restorer is None or flags is None or flags > _MOST_FLAGS or link != 0:
        return None
    raw = code.bytes_at(slot, _FRAME.size) if code.returns_from_signal(restorer) else None
    if raw is None or isinstance(raw, Absent):
        return None
    _, _, _, *words = _FRAME.unpack(raw)
    registers = dict(zip(_SAVED, words, strict=False))
    rip, area = registers.pop("rip"), words[-1]
    saved = code.bytes_at(area, _FXSAVE) if area else Absent(Reason.NOT_RECORDED, "no fpstate")
    info = _info(code, slot)
    if isinstance(saved, Absent):
        return GuestSignalFrame(slot, restorer, rip, registers, saved, saved, info)
    return GuestSignalFrame(slot, restorer, rip, registers, _vectors(saved), _x87(saved), info)


def _info(code: GuestCode, slot: int) -> SignalInfo | Absent:
    """What the frame's siginfo_t says; the kernel leaves it out where no handler asked for it."""
    raw = code.bytes_at(slot + _INFO_AT, _INFO.size)
    if isinstance(raw, Absent):
        return raw
    number, error, reason, address = _INFO.unpack(raw)
    if not 0 < number <= _MOST_SIGNALS or error != 0:
        return Absent(Reason.NOT_RECORDED, "no siginfo")
    return signal_info(number, reason, address)


def _vectors(area: bytes) -> Mapping[str, int]:
    found = {
        name: _number(area, _VECTORS_AT + _EACH * number, _EACH)
        for number, name in enumerate(VECTOR_REGISTERS)
    }
    return found | {"mxcsr": _number(area, _MXCSR_AT, 4)}


def _x87(area: bytes) -> Mapping[str, int]:
    found = {
        f"st{number}": _number(area, _X87_AT + _EACH * number, _X87_BYTES) for number in range(8)
    }
    return found | {"fcw": _number(area, 0, 2), "fsw": _number(area, 2, 2)}


def _number(area: bytes, at: int, size: int) -> int:
    return int.from_bytes(area[at : at + size], "little")
