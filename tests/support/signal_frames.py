"""Signal frames as the kernel writes them (arch/arm64/kernel/signal.c), for unit tests."""

from __future__ import annotations

import struct
from collections.abc import Mapping

SIZE = 4688
TAG_CHECK, TAG_CHECK_WRITE, TRANSLATION = 0x92000011, 0x92000051, 0x92000004


def signal_frame_bytes(
    registers: Mapping[str, int],
    siginfo: tuple[int, int, int] | None = None,
    *,
    fault_address: int = 0,
    syndrome: int | None = None,
    blocked: int = 0,
    alternate: tuple[int, int] = (0, 0),
) -> bytes:
    """A signal frame and the frame record after it.

    Args:
        registers: of the interrupted code, 0 where one is not given.
        siginfo: signal, code and what stands at si_addr; None for a handler that asked for none.
        fault_address: of the sigcontext.
        syndrome: ESR_EL1; None for no esr_context.
        blocked: the interrupted code's signal mask.
        alternate: start and size of the alternate stack.
    """
    number, code, address = siginfo or (0, 0, 0)
    values = [registers.get(name, 0) for name in (*(f"x{n}" for n in range(31)), "sp", "pc")]
    data = struct.pack("<iiiiQ104x", number, 0, code, 0, address)
    data += struct.pack("<QQQi4xQQ120x8x", 0, 0, alternate[0], 0, alternate[1], blocked)
    data += struct.pack("<35Q8x", fault_address, *values, registers.get("pstate", 0))
    data += struct.pack("<II520x", 0x46508001, 528)
    if syndrome is not None:
        data += struct.pack("<IIQ", 0x45535201, 16, syndrome)
    data += bytes(SIZE - len(data))
    return data + struct.pack("<QQ", registers.get("x29", 0), registers.get("x30", 0))
