"""Signal frames: what the kernel puts on a stack before it enters a signal handler.

Sources: Linux, arch/arm64/kernel/signal.c: `struct rt_sigframe` is the siginfo (128 bytes) and the
ucontext; `setup_sigframe` writes flags and link as 0, then a frame record after all of it, to which
x29 points in the handler; `setup_rt_frame` writes the siginfo only where the handler asked for it
(SA_SIGINFO): else those bytes are whatever was there before. uapi/asm/sigcontext.h:
fault_address, regs[31], sp, pc, pstate, then records {magic, size}, the first of them
fpsimd_context; esr_context is there after a fault. QEMU, linux-user/aarch64/signal.c: the same, the
frame record a little further up.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from mtedbg.dataclass import dataclass
from mtedbg.decode.stack.signal_of_syndrome import MTESERR, signal_of_syndrome
from mtedbg.formats.siginfo import SEGV_MTEAERR, SI_KERNEL, signal_info
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.instruction import LENGTH
from mtedbg.model.process import SignalInfo
from mtedbg.target import Target

SIZE = 4688
"""Bytes of struct rt_sigframe; with large vectors the kernel makes it larger."""

_INFO = struct.Struct("<iiiiQ")  # si_signo, si_errno, si_code, padding, si_addr
_UCONTEXT = struct.Struct("<QQQi4xQQ")  # flags, link, ss_sp, ss_flags, ss_size, sigmask
_UCONTEXT_AT, _CONTEXT_AT, _RECORDS_AT = 128, 304, 592
_CONTEXT = struct.Struct("<35Q")  # fault_address, regs[31], sp, pc, pstate
_RECORD = struct.Struct("<II")
_FPSIMD = _RECORD.pack(0x46508001, 528)
_ESR, _SVE, _EXTRA = 0x45535201, 0x53564501, 0x45585401
_FRAME_RECORD = struct.Struct("<QQ")
_RECORD_AT = 8
"""Bytes from a kernel's signal frame to its frame record that QEMU's may be further up."""
_MOST_BYTES = 1 << 17
"""Of a signal frame: SVE, ZA and ZT at the longest vectors."""
_MOST_RECORDS = 16
_LAST_SIGNAL, _LAST_ERRNO, _FIRST_CODE = 64, 4095, -64
_SIGBUS, _SIGSEGV = 7, 11
_WORD = (1 << 64) - 1
_X29, _X30 = 29, 30
NAMES = (*(f"x{number}" for number in range(31)), "sp", "pc", "pstate")
"""The registers that every signal frame has."""
_ALIGNMENT = 16


@dataclass(frozen=True, slots=True)
class SignalFrame:
    """One signal frame, in use or left behind.

    Attributes:
        address: of its first byte, which is SP where the handler begins.
        signal: as the kernel gave it to the handler; of one that asked for no siginfo, what the
            syndrome says; absent where neither tells.
        informed: whether the handler was given a siginfo.
        raised: the signal of the thread's last fault, by the syndrome; None where that tells none.
        fault_address: of that fault, without tag.
        registers: of the interrupted code: x0 to x30, sp, pc, pstate; vg where SVE is there.
        blocked: the signal mask of the interrupted code, bit n - 1 for signal n.
        alternate: first and one-past-last address of the thread's alternate stack; None for none.
        syndrome: ESR_EL1 of the fault; None where the kernel gave none.
        record: address of the frame record after it; None where none is there.
    """

    address: int
    signal: SignalInfo | Absent
    informed: bool
    raised: SignalInfo | None
    fault_address: int
    registers: Mapping[str, int]
    blocked: int
    alternate: tuple[int, int] | None
    syndrome: int | None
    record: int | None


def signal_frame(target: Target, address: int) -> SignalFrame | None:
    """The signal frame at `address` (without tag); None where there is none."""
    data = target.read_memory(address, SIZE)
    if isinstance(data, Absent) or data[_RECORDS_AT : _RECORDS_AT + len(_FPSIMD)] != _FPSIMD:
        return None
    flags, link, stack, _, size, mask = _UCONTEXT.unpack_from(data, _UCONTEXT_AT)
    if flags or link:
        return None
    fault, *values = _CONTEXT.unpack_from(data, _CONTEXT_AT)
    registers = dict(zip(NAMES, values, strict=True))
    syndrome, vectors, end = _records(data, address)
    raised = None
    if syndrome is not None:
        raised = signal_of_syndrome(syndrome, fault, registers["pc"])
    told = _told(data, raised)
    if vectors:
        registers[LENGTH] = vectors // 8
    return SignalFrame(
        address,
        told or raised or Absent(Reason.UNKNOWN, "the handler was given no siginfo"),
        told is not None,
        raised,
        fault,
        registers,
        mask,
        (stack, stack + size) if size else None,
        syndrome,
        _record_after(target, end, values[_X29], values[_X30]),
    )


def _told(data: bytes, raised: SignalInfo | None) -> SignalInfo | None:
    """The signal by the siginfo; None where that is none, or the syndrome contradicts it.

    What lies there of an older frame may look like one.
    """
    number, errno, code, _, value = _INFO.unpack_from(data)
    if not (0 < number <= _LAST_SIGNAL and 0 <= errno <= _LAST_ERRNO):
        return None
    if not _FIRST_CODE <= code <= SI_KERNEL:
        return None
    told = signal_info(number, code, value)
    is_abort = number in (_SIGBUS, _SIGSEGV) and 0 < code < SI_KERNEL and code != SEGV_MTEAERR
    if raised is None or not is_abort or isinstance(raised.address, Absent):
        return told
    same = (value ^ raised.address) << 8 & _WORD == 0
    return told if same and (code == MTESERR) is (raised.code == MTESERR) else None


def _records(data: bytes, address: int) -> tuple[int | None, int, int]:
    """The syndrome, the vector length in bytes (0 for unknown), and where the frame ends."""
    at, syndrome, vectors, end = _RECORDS_AT, None, 0, address + SIZE
    for _ in range(_MOST_RECORDS):
        if at + 2 * _RECORD.size > len(data):
            break
        magic, size = _RECORD.unpack_from(data, at)
        (value,) = struct.unpack_from("<Q", data, at + _RECORD.size)
        if magic == _ESR:
            syndrome = value
        elif magic == _SVE:
            vectors = value & 0xFFFF
        elif magic == _EXTRA and at + 20 <= len(data):
            (length,) = struct.unpack_from("<I", data, at + 16)
            if address < value < value + length <= address + _MOST_BYTES:
                end = max(end, -(-(value + length) // _ALIGNMENT) * _ALIGNMENT)
        if not magic or size < _RECORD.size or size % 8:
            break
        at += size
    return syndrome, vectors, end


def _record_after(target: Target, end: int, frame: int, link: int) -> int | None:
    """The address of the frame record {x29, x30} that stands after a signal frame."""
    wanted = _FRAME_RECORD.pack(frame, link)
    for address in (end, end + _RECORD_AT):
        if target.read_memory(address, len(wanted)) == wanted:
            return address
    return None


def signal_frames(target: Target, start: int, data: bytes) -> Iterator[SignalFrame]:
    """The signal frames that begin in memory that was read, the lowest first.

    Args:
        target: where.
        start: where `data` begins, a multiple of 16.
        data: the memory's contents.
    """
    at = -1
    while (at := data.find(_FPSIMD, at + 1)) >= 0:
        if at % _ALIGNMENT == 0 and (found := signal_frame(target, start + at - _RECORDS_AT)):
            yield found
