"""Frame records of the host's stack, and the signal frames between them.

Source: AAPCS64 6.4.6: x29 points at {caller's x29, return address}. Linux, arch/arm64/kernel/
signal.c: setup_sigframe puts a frame record after the rt_sigframe, with x29 and x30 of the
interrupted code, and returns through the vDSO's __kernel_rt_sigreturn.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.pointer import strip
from mtedbg.target import Target

_RECORD = struct.Struct("<QQ")
_CONTEXT = struct.Struct("<33Q")  # regs[31], sp, pc of struct sigcontext
_SIGRETURN = bytes.fromhex("681180d2010000d4")  # mov x8, #139; svc #0
_SEARCHED = 1 << 14
"""Bytes before a frame record that a signal frame may take (MINSIGSTKSZ with SVE is 5 KiB)."""

_X29, _SP, _PC = 29, 31, 32


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


def interrupted_registers(target: Target, record: int) -> Mapping[str, int] | None:
    """The registers of code that a signal interrupted.

    Args:
        target: where.
        record: address of the frame record that the kernel has put after the signal frame.
    """
    found = frame_record(target, record)
    if isinstance(found, Absent):
        return None
    before = _stack_before(target, record)
    at = before.rfind(_RECORD.pack(*found))
    start = at - 8 * _X29
    if start < 0 or start + _CONTEXT.size > len(before):
        return None
    values = _CONTEXT.unpack_from(before, start)
    if strip(values[_PC]) % 4:
        return None
    names = (*(f"x{number}" for number in range(31)), "sp", "pc")
    return dict(zip(names, values, strict=True))


def _stack_before(target: Target, record: int) -> bytes:
    length = _SEARCHED
    while length >= _CONTEXT.size:
        data = target.read_memory(record - length, length) if record > length else b""
        if data and not isinstance(data, Absent):
            return data
        length //= 2
    return b""
