"""Host code around an address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.decode.code.disassembly import CodeLine, disassemble
from mtedbg.decode.code.instruction import WORD_SIZE
from mtedbg.model.absent import Absent
from mtedbg.model.process import Symbol
from mtedbg.report import Column, Kind, Line, Report, Row, Span, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

COLUMNS = (
    Column("address", Kind.ADDRESS, "of the instruction"),
    Column("bytes", Kind.TEXT, "its word, eight hexadecimal digits"),
    Column("instruction", Kind.TEXT, "in assembler"),
    Column("symbol", Kind.TEXT, "what it lies in"),
    Column("mark", Kind.TEXT, '"=>" at the address asked for'),
)
BEFORE, AFTER = 6, 6


def disassembly(session: Session, command: str, address: int) -> Report:
    """The instructions around `address`; the one that it is in is marked.

    Args:
        session: where.
        command: name of the command that asks.
        address: without tag and PAC bits.
    """
    marked = address - address % WORD_SIZE
    start = max(marked - BEFORE * WORD_SIZE, 0)
    count = (marked - start) // WORD_SIZE + 1 + AFTER
    lines = disassemble(session.target, start, count)
    symbols = [session.target.symbol_at(line.address) for line in lines]
    rows: list[Row] = [
        {
            "address": line.address,
            "bytes": line.word if isinstance(line.word, Absent) else f"{line.word:08x}",
            "instruction": line.text,
            "symbol": symbol if isinstance(symbol, Absent) else str(symbol),
            "mark": "=>" if line.address == marked else "",
        }
        for line, symbol in zip(lines, symbols, strict=True)
    ]
    picture = tuple(_picture(lines, symbols, marked))
    return flat(command, session.info, COLUMNS, tuple(rows), picture=picture)


def _picture(lines: list[CodeLine], symbols: list[Symbol | Absent], marked: int) -> Iterator[Line]:
    """A heading wherever another symbol begins, and a line an instruction."""
    current = ""
    for line, symbol in zip(lines, symbols, strict=True):
        name = "" if isinstance(symbol, Absent) else symbol.name
        if name != current:
            yield (Span(f"<{symbol}>:" if name else "<no symbol>:", "dim"),)
            current = name
        yield _draw(line, marked=line.address == marked)


def _draw(line: CodeLine, *, marked: bool) -> Line:
    word = "????????" if isinstance(line.word, Absent) else f"{line.word:08x}"
    text = f"<{line.text}>" if isinstance(line.text, Absent) else line.text
    return (
        Span("=> " if marked else "   ", "mark"),
        Span(f"{line.address:#x}  ", "address"),
        Span(f"{word}  ", "dim"),
        Span(text, "mark" if marked else ""),
    )
