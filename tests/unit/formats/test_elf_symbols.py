"""What a symbol is the name of."""

from __future__ import annotations

import struct

import pytest

from mtedbg.formats.elf_symbols import SymbolTable
from mtedbg.model.process import Symbol

SYMBOLS = {"function": (0x1000, 16), "assembly": (0x1040, 0), "mark": (0x2000, 0)}
PLACES = (range(0), range(0x1000, 0x1080), range(0x2000, 0x2000))


@pytest.fixture(scope="module")
def table() -> SymbolTable:
    return made()


def made(kind: int = 0) -> SymbolTable:
    """The table, its symbols of one kind (STT_NOTYPE, STT_OBJECT, …)."""
    strings, entries = b"\0", b""
    for number, (name, (value, size)) in enumerate(SYMBOLS.items()):
        section = 2 if number == 2 else 1
        entries += struct.pack("<IBBHQQ", len(strings), 0x10 | kind, 0, section, value, size)
        strings += name.encode() + b"\0"
    return SymbolTable(lambda: entries, strings, 0x100000, PLACES)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (0xFFF, None),
        (0x1000, Symbol("function", 0)),
        (0x100F, Symbol("function", 15)),
        (0x1010, None),
        (0x1040, Symbol("assembly", 0)),
        (0x107F, Symbol("assembly", 63)),
        (0x1080, None),  # behind its section
        (0x2000, Symbol("mark", 0)),
    ],
)
def test_a_symbol_ends_with_its_section(table: SymbolTable, value: int, found: Symbol | None):
    assert table.at(0x100000 + value) == found


@pytest.mark.parametrize(("kind", "is_code"), [(0, None), (1, False), (2, True), (10, True)])
def test_functions_and_variables(kind: int, is_code: bool | None) -> None:
    assert made(kind).definition("mark") == (0x102000, is_code)
    assert made(kind).definition("nothing") is None
