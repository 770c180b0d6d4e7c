"""The guest's vector registers and MXCSR, from where they are."""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.decode.stack.context import Context
from mtedbg.layout import Runtime
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.code import Place
from mtedbg.model.frame import VECTOR_REGISTERS, GuestVectors
from mtedbg.model.process import Thread
from mtedbg.target import VectorReader

_IOC, _DZC_OFC_IXC = 1 << 0, 1 << 1 | 1 << 2 | 1 << 4
"""Of FPSR (Arm ARM C5.2): bits 0, and 2, 3 and 5 of MXCSR. Underflow has other rules there."""
_PLAIN, _OF_MODE = 0x1F80, 0x9FC0
"""MXCSR's masks, and with them DAZ and FTZ: only in this mode do sticky bits come from FPSR."""


def vectors_of(
    runtime: Runtime, thread: Thread, frame: int, context: Context | None, place: Place
) -> Mapping[str, int] | Absent:
    """xmm0 to xmm15 and mxcsr of the guest thread with a frame at `frame`.

    Args:
        runtime: the runtime.
        thread: the host thread.
        frame: address of the guest frame.
        context: the state of translated code, where that runs or is interrupted.
        place: where the host thread's PC is.
    """
    kept = runtime.record(GuestVectors, frame)
    if isinstance(kept, Absent):
        return kept
    if isinstance(kept.mxcsr, Absent):
        return kept.mxcsr
    if context is None:
        found = {"mxcsr": kept.mxcsr}
        for name in VECTOR_REGISTERS:
            low, high = getattr(kept, f"{name}_low"), getattr(kept, f"{name}_high")
            if isinstance(low, Absent) or isinstance(high, Absent):
                return NOT_APPLICABLE
            found[name] = low | high << 64
        return found
    if not place.in_jit:
        return Absent(Reason.UNKNOWN, "in the signal frame of the handler, which is not read")
    if not isinstance(runtime.target, VectorReader):
        return Absent(Reason.UNKNOWN, "this target gives no vector registers")
    host = runtime.target.vectors(thread)
    if isinstance(host, Absent):
        return host
    names = {name: runtime.registers.get(name, "") for name in VECTOR_REGISTERS}
    if not all(where in host for where in names.values()):
        return Absent(Reason.NOT_RECORDED, "the runtime does not tell which registers they are in")
    sticky = 0
    if kept.mxcsr & _OF_MODE == _PLAIN:
        sticky = host["fpsr"] & _IOC | (host["fpsr"] & _DZC_OFC_IXC) << 1
    return {name: host[where] for name, where in names.items()} | {"mxcsr": kept.mxcsr | sticky}
