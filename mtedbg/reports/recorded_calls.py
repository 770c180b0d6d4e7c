"""The backtrace that the system recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.model.recorded import RecordedCall

NAME = "noted-calls"
COLUMNS = (
    Column("level", Kind.COUNT, "0 is the innermost"),
    Column("pc", Kind.ADDRESS, "the PC, or the return address"),
    Column("function", Kind.TEXT, "function and offset; if unknown, offset in the file"),
    Column("file", Kind.TEXT, "the file that is mapped there"),
    Column("build_id", Kind.TEXT, "build id of that file", shown=False),
)


def answer(calls: Iterable[RecordedCall]) -> Answer:
    """The levels, the innermost first."""
    return Answer(Table(tuple(_row(level, call) for level, call in enumerate(calls))))


def _row(level: int, call: RecordedCall) -> Row:
    return {
        "level": level,
        "pc": call.pc,
        "function": call.place,
        "file": call.file,
        "build_id": call.build_id,
    }
