"""What the kernel of an x86-64 program, or who stands for it, keeps for a signal handler."""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.process import SignalInfo


@dataclass(frozen=True, slots=True)
class GuestSignalFrame:
    """The state of a guest that a signal handler of its own has interrupted.

    Attributes:
        address: where the handler's return address is.
        restorer: that address.
        rip: where the guest was.
        registers: general registers, by name, and `rflags`.
        vectors: xmm0 to xmm15, each a number of 128 bits, and mxcsr.
        x87: st0 to st7 as they lie in memory, each a number of 80 bits, fcw and fsw.
        info: the signal.
    """

    address: int
    restorer: int
    rip: int
    registers: Mapping[str, int]
    vectors: Mapping[str, int] | Absent
    x87: Mapping[str, int] | Absent
    info: SignalInfo | Absent = NOT_APPLICABLE
