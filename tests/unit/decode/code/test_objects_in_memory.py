"""ELF files in front of their code, several in one mapping, asked in any order."""

from __future__ import annotations

import itertools
import struct

import pytest

from mtedbg.decode.code.objects_in_memory import ObjectsInMemory
from mtedbg.model.absent import NOT_APPLICABLE, present
from mtedbg.model.memory import Region
from tests.support.elf_object import ObjectFile
from tests.support.fake import FakeTarget

BASE, EACH, COUNT = 0x7F00_0000_0000, 0x4000, 3
CODE, SIZE = 0x1000, 0x100
SECTION = 64 + 64
"""Where the header of the only section with code is."""


def file(number: int) -> bytes:
    """One whose code is at `CODE` of it, with one function."""
    made = bytearray(ObjectFile(0, SIZE, {f"function_{number}": (0, SIZE)}).build())
    struct.pack_into("<I", made, SECTION + 4, 1)
    struct.pack_into("<Q", made, SECTION + 24, CODE)
    return bytes(made).ljust(EACH, b"\0")


def objects() -> ObjectsInMemory:
    memory = b"".join(map(file, range(COUNT)))
    region = Region(BASE, BASE + len(memory), "r-x", "", NOT_APPLICABLE)
    target = FakeTarget(memory={BASE: memory}, mappings=[region])
    return ObjectsInMemory(target, lambda _: True)


def name_at(made: ObjectsInMemory, pc: int) -> str:
    found = made.at(pc)
    return "" if found is None or not present(found.symbol) else found.symbol.name


def asked() -> dict[int, str]:
    """What is at some addresses: of each file its header, a function and what follows that."""
    found = {}
    for number in range(COUNT):
        start = BASE + number * EACH
        found |= {start: "", start + CODE + 8: f"function_{number}", start + CODE + SIZE: ""}
    return found


@pytest.mark.parametrize("pcs", [*itertools.permutations(sorted(asked()), 2)])
def test_an_answer_does_not_depend_on_what_was_asked_before(pcs: tuple[int, int]) -> None:
    made = objects()
    assert [name_at(made, pc) for pc in pcs] == [asked()[pc] for pc in pcs]


def test_all_are_listed() -> None:
    listed = objects().listed()
    assert listed is not None
    assert sorted(one.symbol.name for one in listed.codes if present(one.symbol)) == [
        f"function_{number}" for number in range(COUNT)
    ]
