"""Host code, one line an instruction."""

from __future__ import annotations

from mtedbg.dataclass import dataclass
from mtedbg.decode.code.instruction import WORD_SIZE, text_of
from mtedbg.model.absent import Absent
from mtedbg.target import Target


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One instruction.

    Attributes:
        address: where it stands.
        word: its four bytes as one little-endian number, or why they cannot be had.
        text: in assembler.
    """

    address: int
    word: int | Absent
    text: str | Absent


def disassemble(target: Target, start: int, count: int) -> list[CodeLine]:
    """`count` instructions from `start` (a multiple of 4) on; absent where memory is."""
    whole = target.read_memory(start, count * WORD_SIZE)
    lines = []
    for address in range(start, start + count * WORD_SIZE, WORD_SIZE):
        offset = address - start
        code = (
            target.read_memory(address, WORD_SIZE)
            if isinstance(whole, Absent)
            else whole[offset : offset + WORD_SIZE]
        )
        if isinstance(code, Absent):
            lines.append(CodeLine(address, code, code))
            continue
        word = int.from_bytes(code, "little")
        lines.append(CodeLine(address, word, text_of(word, address)))
    return lines
