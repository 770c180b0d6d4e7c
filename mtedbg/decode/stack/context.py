"""Where a guest's registers are: in host registers, in a signal frame, or in the guest frame.

Translated code keeps them in host registers. A signal handler that interrupted it has them in the
`sigcontext` on its stack: the one whose frame register is this guest's frame and whose PC is in
translated code. Sources: arch/arm64/include/uapi/asm/sigcontext.h: `fault_address, regs[31], sp,
pc, pstate`, 8 bytes each; arch/arm64/kernel/signal.c: `struct rt_sigframe` is the siginfo, then
the ucontext, in which (uapi/asm/ucontext.h) the sigcontext stands 176 bytes from the start.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from mtedbg.dataclass import dataclass
from mtedbg.decode.code.code_map import locate
from mtedbg.decode.stack.registers import register_number
from mtedbg.formats.siginfo import signal_info
from mtedbg.layout import Runtime
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.code import Place
from mtedbg.model.pointer import strip
from mtedbg.model.process import SignalInfo

_SEARCHED = 1 << 16
_LEAST_SEARCHED = 1 << 10
_MOST_CANDIDATES = 8
_GENERAL = 31
_CONTEXT = struct.Struct(f"<{_GENERAL}QQQQ")
_SIGINFO = struct.Struct("<i4xi4xQ")  # si_signo, si_code, si_addr
_SIGINFO_BEFORE = 8 + 176 + 128
"""Bytes from the siginfo to regs[0]."""
_LAST_SIGNAL = 64


@dataclass(frozen=True, slots=True)
class Context:
    """Host registers as translated code left them.

    Attributes:
        registers: by name.
        place: what their PC is in.
        source: "host registers", "signal frame at 0x…".
        signal: the signal that interrupted it, where it was one.
    """

    registers: Mapping[str, int]
    place: Place
    source: str
    signal: SignalInfo | Absent = NOT_APPLICABLE


def interrupted(runtime: Runtime, registers: Mapping[str, int], frame: int) -> Context | None:
    """The state of translated code that a signal handler, running now, has interrupted.

    Args:
        runtime: whose translated code it is.
        registers: of the host thread, in the handler.
        frame: address of the guest frame that translated code had in its frame register.
    """
    pointer = registers.get("sp")
    if pointer is None:
        return None
    start = strip(pointer)
    role = register_number(runtime, "frame")
    stack = _stack(runtime, start)
    for at, values in _candidates(stack, role, frame):
        place = locate(runtime, strip(values["pc"]))
        if place.in_jit:
            source = f"signal frame at {start + at:#x}"
            return Context(values, place, source, _signal(stack, at - _SIGINFO_BEFORE))
    return None


def _signal(stack: bytes, at: int) -> SignalInfo | Absent:
    """The siginfo of a signal frame."""
    if at < 0:
        return Absent(Reason.UNREADABLE, "the siginfo of the signal frame")
    number, code, address = _SIGINFO.unpack_from(stack, at)
    if not 0 < number <= _LAST_SIGNAL:
        return Absent(Reason.UNKNOWN, "no siginfo is before the signal frame's registers")
    return signal_info(number, code, address)


def _stack(runtime: Runtime, start: int) -> bytes:
    """What there is above the stack pointer, up to a bound."""
    length = _SEARCHED
    while length >= _LEAST_SEARCHED:
        data = runtime.target.read_memory(start, length)
        if not isinstance(data, Absent):
            return data
        length //= 2
    return b""


def _candidates(stack: bytes, role: int, frame: int) -> Iterator[tuple[int, dict[str, int]]]:
    """Offset and registers of what may be a sigcontext, the innermost first."""
    wanted, at, seen = frame.to_bytes(8, "little"), -1, 0
    while seen < _MOST_CANDIDATES and (at := stack.find(wanted, at + 1)) >= 0:
        first = at - 8 * role
        if at % 8 or first < 0 or first + _CONTEXT.size > len(stack):
            continue
        seen += 1
        values = _CONTEXT.unpack_from(stack, first)
        names = [*(f"x{n}" for n in range(_GENERAL)), "sp", "pc", "pstate"]
        yield first, dict(zip(names, values, strict=True))
