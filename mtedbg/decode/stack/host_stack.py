"""Frame records of the host's stack, and the signal frames between them.

Source: AAPCS64 6.4.6: x29 points at {caller's x29, return address}. Linux, arch/arm64/kernel/
signal.c: struct rt_sigframe is the siginfo (128 bytes, written for SA_SIGINFO alone)
and the ucontext (uc_flags and uc_link are 0), in which the sigcontext stands 176 bytes from the
start; setup_sigframe_layout puts the FP and SIMD registers first into `__reserved`; setup_sigframe
puts a frame record after all of it, with x29 and x30 of the interrupted code. The handler returns,
with sp at the frame, to code that calls rt_sigreturn.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, Reason
from mtedbg.target import Target

_RECORD = struct.Struct("<QQ")
_CONTEXT = struct.Struct("<34Q")  # regs[31], sp, pc, pstate of struct sigcontext
_SIGRETURN = bytes.fromhex("681180d2010000d4")  # mov x8, #139; svc #0
_SEARCHED = 1 << 14
"""Bytes before a frame record that a signal frame may take (MINSIGSTKSZ with SVE is 5 KiB)."""
_MOST_CANDIDATES = 16

_REGISTERS_AT = 128 + 176 + 8
"""From the siginfo to regs[0]: the sigcontext begins with the fault address."""
_RESERVED_AT = 128 + 176 + 288
"""From the siginfo to `__reserved`, which is aligned to 16 bytes."""
_FPSIMD = struct.pack("<II", 0x46508001, 528)
"""Magic and size of struct fpsimd_context."""
_FRAME_SIZE = _RESERVED_AT + len(_FPSIMD)
_UCONTEXT_AT = 128
_UCONTEXT = bytes(16)
"""uc_flags and uc_link."""

_X29 = 29
_NAMES = (*(f"x{number}" for number in range(31)), "sp", "pc", "pstate")


@dataclass(frozen=True, slots=True)
class SignalFrame:
    """What the kernel kept of the code that a signal interrupted.

    Attributes:
        address: of the frame, which begins with the siginfo if the handler has SA_SIGINFO.
        registers: of the interrupted code: x0 to x30, sp, pc, pstate.
    """

    address: int
    registers: dict[str, int]


def frame_record(target: Target, frame: int) -> tuple[int, int] | Absent:
    """The caller's x29 and the return address, of the record at `frame`."""
    if frame % 8 or not frame:
        return Absent(Reason.NOT_APPLICABLE, f"x29 is {frame:#x}, which is not a frame record")
    data = target.read_memory(frame, _RECORD.size)
    if isinstance(data, Absent):
        return data
    caller, address = _RECORD.unpack(data)
    return caller, address


def is_signal_return(target: Target, address: int) -> bool:
    """Whether a signal handler that returns to `address` goes back to what it interrupted."""
    return target.read_memory(address, len(_SIGRETURN)) == _SIGRETURN


def signal_frame_at(target: Target, address: int) -> SignalFrame | None:
    """The signal frame that begins at `address`; None where none does.

    What makes it one: the mark of the FP and SIMD registers where the kernel puts it, and the
    fields of the ucontext that are always 0.
    """
    data = b"" if address % 16 else target.read_memory(address, _FRAME_SIZE)
    return None if isinstance(data, Absent) else _signal_frame(data, address)


def _signal_frame(data: bytes, address: int) -> SignalFrame | None:
    if len(data) < _FRAME_SIZE or not data.startswith(_FPSIMD, _RESERVED_AT):
        return None
    if not data.startswith(_UCONTEXT, _UCONTEXT_AT):
        return None
    values = _CONTEXT.unpack_from(data, _REGISTERS_AT)
    return SignalFrame(address, dict(zip(_NAMES, values, strict=True)))


def signal_frame_before(target: Target, record: int) -> SignalFrame | None:
    """The signal frame whose frame record is at `record`.

    Between its registers and that record is memory that the kernel does not write: an earlier call
    may have left the same two words there. They are believed only in a whole signal frame.
    """
    found = frame_record(target, record)
    if isinstance(found, Absent):
        return None
    before = _stack_before(target, record)
    for at in _places_of(_RECORD.pack(*found), before):
        start = at - 8 * _X29 - _REGISTERS_AT
        if start >= 0 and (record - len(before) + start) % 16 == 0:
            frame = _signal_frame(before[start : start + _FRAME_SIZE], record - len(before) + start)
            if frame is not None:
                return frame
    return None


def _places_of(wanted: bytes, data: bytes) -> Iterator[int]:
    """Where `wanted` is in `data`, the last first."""
    at = len(data)
    for _ in range(_MOST_CANDIDATES):
        at = data.rfind(wanted, 0, at + len(wanted) - 1)
        if at < 0:
            return
        yield at


def _stack_before(target: Target, record: int) -> bytes:
    length = _SEARCHED
    while length >= _FRAME_SIZE:
        data = target.read_memory(record - length, length) if record > length else b""
        if data and not isinstance(data, Absent):
            return data
        length //= 2
    return b""
