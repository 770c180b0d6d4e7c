"""DWARF expressions, operation by operation."""

from __future__ import annotations

import pytest

from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.formats.dwarf.expression import Machine
from mtedbg.model.absent import Absent, Reason

MEMORY = {0x1000: bytes(range(1, 9))}
WORD = (1 << 64) - 1


def read(address: int, length: int) -> bytes | Absent:
    data = MEMORY.get(address)
    return data[:length] if data else Absent(Reason.UNMAPPED)


def value(expression: bytes, *first: int) -> int | Absent:
    return Machine(read, {31: 0x1000, 40: 7}).value(expression, *first)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (b"\x30", 0),
        (b"\x4f", 31),
        (b"\x03" + (0x1234).to_bytes(8, "little"), 0x1234),
        (b"\x08\xff", 255),
        (b"\x09\xff", WORD),
        (b"\x0a\xff\xff", 0xFFFF),
        (b"\x0b\xff\xff", WORD),
        (b"\x0c\xff\xff\xff\xff", 0xFFFFFFFF),
        (b"\x0d\xff\xff\xff\xff", WORD),
        (b"\x0e" + b"\xff" * 8, WORD),
        (b"\x10\x80\x01", 128),
        (b"\x11\x7f", WORD),
        (b"\x8f\x08", 0x1008),
        (b"\x8f\x78", 0xFF8),
        (b"\x92\x28\x01", 8),
        (b"\x8f\x00\x06", 0x0807060504030201),
        (b"\x8f\x00\x94\x02", 0x0201),
        (b"\x31\x12\x22", 2),
        (b"\x31\x32\x13", 1),
        (b"\x31\x32\x14", 1),
        (b"\x31\x32\x33\x15\x02", 1),
        (b"\x31\x32\x16", 1),
        (b"\x31\x32\x33\x17", 2),
        (b"\x09\xff\x19", 1),
        (b"\x33\x35\x1a", 1),
        (b"\x09\xf9\x32\x1b", (-3) & WORD),
        (b"\x31\x33\x1c", (-2) & WORD),
        (b"\x37\x33\x1d", 1),
        (b"\x33\x34\x1e", 12),
        (b"\x31\x1f", WORD),
        (b"\x30\x20", WORD),
        (b"\x31\x32\x21", 3),
        (b"\x31\x23\x10", 17),
        (b"\x31\x34\x24", 16),
        (b"\x4f\x32\x25", 7),
        (b"\x09\xfc\x31\x26", (-2) & WORD),
        (b"\x31\x08\xff\x24", 0),
        (b"\x33\x35\x27", 6),
        (b"\x31\x31\x29", 1),
        (b"\x09\xff\x30\x2a", 0),
        (b"\x09\xff\x30\x2b", 0),
        (b"\x09\xff\x30\x2c", 1),
        (b"\x09\xff\x30\x2d", 1),
        (b"\x31\x31\x2e", 0),
        (b"\x2f\x01\x00\x35\x31", 1),
        (b"\x31\x31\x28\x01\x00\x35", 1),
        (b"\x96\x32", 2),
        (b"\x32\x31\x13", 2),
    ],
)
def test_operations(expression: bytes, expected: int) -> None:
    assert value(expression) == expected


def test_what_is_on_the_stack_before() -> None:
    assert value(b"\x23\x08", 0x2000) == 0x2008


def test_a_plt_entry_of_a_linker() -> None:
    """x86's famous one, for its shape: masks, comparisons, shifts."""
    expression = bytes([0x8F, 8, 0x8F, 0x0B, 0x3F, 0x1A, 0x3B, 0x2A, 0x33, 0x24, 0x22])
    assert value(expression) == 0x1008 + 8


@pytest.mark.parametrize("expression", [b"\x70\x00", b"\x92\x7f\x00", b"\x30\x06"])
def test_what_is_not_there(expression: bytes) -> None:
    assert isinstance(value(expression), Absent)


@pytest.mark.parametrize(
    "expression",
    [
        b"",
        b"\x13",
        b"\x22",
        b"\x31\x30\x1b",
        b"\x31\x30\x1d",
        b"\x2f\xfd\xff",
        b"\x31\x2f\xfc\xff",
        b"\x2f\x10\x00",
        b"\x2f\x00\x80",
        b"\xff",
        b"\x50",
        b"\x08",
        b"\x31\x94\x09",
        b"\x31\x15\x05",
        b"\x31" * 300,
    ],
)
def test_damage_is_an_error_of_its_own(expression: bytes) -> None:
    with pytest.raises(DamagedError):
        value(expression)
