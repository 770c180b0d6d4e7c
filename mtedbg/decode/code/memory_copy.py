"""Memory copies and sets (FEAT_MOPS): what is left to do when one of them faults.

Source: Arm ARM (DDI 0487) C6.2 "CPYFP, CPYFM, CPYFE", "CPYP, CPYM, CPYE", "SETP, SETM, SETE". The
processor uses one of two forms. In option A the count of the main and last instruction is negative
and added to the addresses, or positive where the copy goes downwards; in option B (PSTATE.C is 1)
the addresses advance, and where PSTATE.N is 1 they are ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mtedbg.dataclass import dataclass
from mtedbg.model.instruction import AccessKind, MemoryAccess

_WORD = (1 << 64) - 1
_SIGN = 1 << 63
_N, _C = 1 << 31, 1 << 29


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two areas of a copy, or the only one of a set.

    Attributes:
        kind: whether it is read or written.
        base: number of the register with its address.
        pointer: where what is left begins, tag kept.
        size: bytes that are left.
    """

    kind: AccessKind
    base: int
    pointer: int
    size: int


def sides(access: MemoryAccess, registers: Mapping[str, int]) -> Iterator[Side]:
    """The areas that a copy or set has still to access, as far as its registers are known."""
    if access.copy is None:
        return
    count, state = registers.get(f"x{access.copy.count}"), registers.get("pstate", 0)
    if count is None:
        return
    downwards_ends = state & _C and state & _N
    before = count if count & _SIGN else -count if downwards_ends else 0
    left = -count & _WORD if count & _SIGN else count
    for kind, number in ((access.kind, access.base), (AccessKind.LOAD, access.copy.source)):
        base = None if number is None else registers.get(f"x{number}")
        if number is not None and base is not None:
            yield Side(kind, number, base + before & _WORD, left)
