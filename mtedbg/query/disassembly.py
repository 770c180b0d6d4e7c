"""Host code around an address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.decode.disassembly import CodeLine, disassemble
from mtedbg.decode.instruction import WORD_SIZE
from mtedbg.model.absent import Absent
from mtedbg.report import Column, Kind, Line, Report, Row, Span

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
    """The instructions around `address`, which is marked.

    Args:
        session: where.
        command: name of the command that asks.
        address: without tag and PAC bits.
    """
    start = max(address - BEFORE * WORD_SIZE, address % WORD_SIZE)
    count = (address - start) // WORD_SIZE + 1 + AFTER
    lines = disassemble(session.target, start, count)
    symbols = [session.target.symbol_at(line.address) for line in lines]
    rows: list[Row] = [
        {
            "address": line.address,
            "bytes": line.word if isinstance(line.word, Absent) else f"{line.word:08x}",
            "instruction": line.text,
            "symbol": symbol if isinstance(symbol, Absent) else str(symbol),
            "mark": "=>" if line.address == address else "",
        }
        for line, symbol in zip(lines, symbols, strict=True)
    ]
    names = ["" if isinstance(symbol, Absent) else f"<{symbol}>" for symbol in symbols]
    width = max(len(name) for name in names)
    picture = tuple(
        _draw(line, f"{name:<{width}}  " if width else "", marked=line.address == address)
        for line, name in zip(lines, names, strict=True)
    )
    return Report(command, session.info, COLUMNS, tuple(rows), picture=picture)


def _draw(line: CodeLine, name: str, *, marked: bool) -> Line:
    word = "????????" if isinstance(line.word, Absent) else f"{line.word:08x}"
    text = f"<{line.text}>" if isinstance(line.text, Absent) else line.text
    return (
        Span("=> " if marked else "   ", "mark"),
        Span(f"{line.address:#x}  ", "address"),
        Span(name, "dim"),
        Span(f"{word}  ", "dim"),
        Span(text, "mark" if marked else ""),
    )
