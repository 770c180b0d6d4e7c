"""The instruction at an address: its text and what it does to memory."""

from __future__ import annotations

from mtedbg.decode.code.disassembler import Machine, disassembler
from mtedbg.decode.code.load_store import memory_access
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.instruction import Instruction
from mtedbg.target import Target

WORD_SIZE = 4
_MISALIGNED = Absent(Reason.NOT_APPLICABLE, f"not a multiple of {WORD_SIZE}")
_BRK, _BRK_MASK = 0xD4200000, 0xFFE0001F  # Arm ARM C6.2 "BRK"
_UDF_SHIFT = 16  # Arm ARM C6.2 "UDF"


def text_of(word: int, address: int) -> str:
    """The assembler text of `word` at `address`; ".word 0x…" where it is not known."""
    return _text(word, address) or f".word 0x{word:08x}"


def _text(word: int, address: int) -> str:
    """As the disassembler has it; empty where it does not know the word, or is not here."""
    lines = disassembler(Machine.AARCH64)
    found = lines and next(lines(word.to_bytes(WORD_SIZE, "little"), address), None)
    return found.text if found else ""


def is_undefined(word: int) -> bool:
    """Whether `word` is UDF (its bits 31:16 are 0), or nothing that the disassembler knows."""
    return word >> _UDF_SHIFT == 0 or not _text(word, 0)


def breakpoint_number(word: int) -> int | None:
    """The immediate of a BRK; None for all else."""
    return word >> 5 & 0xFFFF if word & _BRK_MASK == _BRK else None


def decode_word(word: int, address: int) -> Instruction:
    """The instruction that `word` is when it stands at `address`."""
    return Instruction(address, word, text_of(word, address), memory_access(word))


def instruction_at(target: Target, address: int) -> Instruction | Absent:
    """The instruction at `address` (without tag), or why there is none to be had."""
    if address % WORD_SIZE:
        return _MISALIGNED
    code = target.read_memory(address, WORD_SIZE)
    if isinstance(code, Absent):
        return code
    return decode_word(int.from_bytes(code, "little"), address)
