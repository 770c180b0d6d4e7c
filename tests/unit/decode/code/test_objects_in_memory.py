"""ELF files in front of their code, several in one mapping, asked in any order."""

from __future__ import annotations

import itertools
import random
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


@pytest.mark.parametrize("where", ["header", "sections", "symbols and names"])
def test_damage_is_an_answer_or_a_refusal(where: str) -> None:
    """200 changes of each: what is said of a file is within it, and no other file is spoiled."""
    headers, tables = SECTION - 64, len(ObjectFile(0, SIZE, {"function_0": (0, SIZE)}).build())
    first, last = {
        "header": (0, headers),
        "sections": (headers, headers + 4 * 64),
        "symbols and names": (headers + 4 * 64, tables),
    }[where]
    chance = random.Random(where)
    refused = 0
    for _ in range(200):
        memory = bytearray(b"".join(map(file, range(COUNT))))
        width = chance.choice((1, 2, 4, 8))
        at = chance.randrange(first, last - width + 1)
        memory[at : at + width] = chance.choice((chance.randbytes(width), b"\xff" * width))
        region = Region(BASE, BASE + len(memory), "r-x", "", NOT_APPLICABLE)
        target = FakeTarget(memory={BASE: bytes(memory)}, mappings=[region])
        made = ObjectsInMemory(target, lambda _: True)
        pc = BASE + CODE + 8
        found = made.at(pc)
        if found is not None and present(found.block):
            assert found.block.start <= pc < found.block.end
        if found is not None and present(found.symbol):
            assert found.symbol.start <= pc < found.symbol.end
        refused += name_at(made, pc) != "function_0"
        assert len(target.reads) < 1000
        made.listed()
        assert name_at(made, BASE + EACH + CODE + 8) == "function_1"
    assert refused >= 20
