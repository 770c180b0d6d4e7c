"""Host code around a PC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent, or_else, present, then
from mtedbg.report import HERE, NOT_HERE, Answer, Column, Kind, Line, Row, Span, Table

if TYPE_CHECKING:
    from mtedbg.analysis.code.disassembly import HostInstruction

NAME = "code"
COLUMNS = (
    Column("address", Kind.ADDRESS, "of the instruction"),
    Column("bytes", Kind.TEXT, "its word, eight hexadecimal digits"),
    Column("instruction", Kind.TEXT, "in assembly language"),
    Column("symbol", Kind.TEXT, "the symbol that contains it"),
    Column("mark", Kind.TEXT, '"=>" at the requested address'),
)


def answer(pc: int | Absent, found: Sequence[HostInstruction]) -> Answer:
    """The instructions around `pc`; where there are none, or that is not known, once why."""
    if isinstance(pc, Absent):
        return Answer(notes=(f"the PC is not known: {pc}",))
    if not any(present(one.line.word) for one in found):
        why = next(one.line.word for one in found if one.is_marked)
        return Answer(notes=(f"code at {pc:#x}: {why}",))
    return Answer(Table(tuple(map(_row, found)), tuple(_lines(found))))


def _row(one: HostInstruction) -> Row:
    return {
        "address": one.line.address,
        "bytes": then(one.line.word, lambda word: f"{word:08x}"),
        "instruction": one.line.text,
        "symbol": then(one.symbol, str),
        "mark": "=>" if one.is_marked else "",
    }


def _lines(found: Sequence[HostInstruction]) -> Iterator[Line]:
    """A heading wherever another symbol begins, and a line an instruction."""
    current = ""
    for one in found:
        name = or_else(then(one.symbol, lambda symbol: symbol.name), "")
        if name != current:
            yield (Span(f"<{one.symbol}>:" if name else "<no symbol>:", "dim"),)
            current = name
        yield _line(one)


def _line(one: HostInstruction) -> Line:
    text = f"<{one.line.text}>" if isinstance(one.line.text, Absent) else one.line.text
    return (
        HERE if one.is_marked else NOT_HERE,
        Span(f"{one.line.address:#x}  ", "address"),
        Span(f"{or_else(then(one.line.word, lambda word: f'{word:08x}'), '????????')}  ", "dim"),
        Span(text, "mark" if one.is_marked else ""),
    )
