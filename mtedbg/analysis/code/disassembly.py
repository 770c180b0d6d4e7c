"""Host code around an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.decode.code.disassembly import CodeLine, disassemble
from mtedbg.decode.code.instruction import WORD_SIZE

if TYPE_CHECKING:
    from mtedbg.model.absent import Absent
    from mtedbg.model.process import Symbol
    from mtedbg.session import Session

BEFORE, AFTER = 6, 6
"""Instructions around the one at the address."""


@dataclass(frozen=True, slots=True)
class HostInstruction:
    """One instruction.

    Attributes:
        line: the instruction.
        symbol: what it lies in.
        is_marked: whether it is the one that holds the address that was asked for.
    """

    line: CodeLine
    symbol: Symbol | Absent
    is_marked: bool


def disassembly(session: Session, address: int) -> tuple[HostInstruction, ...]:
    """The instructions around `address`.

    Args:
        session: where.
        address: without tag and PAC bits.
    """
    marked = address - address % WORD_SIZE
    start = max(marked - BEFORE * WORD_SIZE, 0)
    count = (marked - start) // WORD_SIZE + 1 + AFTER
    return tuple(
        HostInstruction(line, session.target.symbol_at(line.address), line.address == marked)
        for line in disassemble(session.target, start, count)
    )
