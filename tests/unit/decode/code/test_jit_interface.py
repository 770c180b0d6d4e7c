"""GDB's JIT interface as it lies in memory: whole, damaged, hostile."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtedbg.decode.code.jit_interface import SYMBOL, JitObjects, read_objects
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSpan
from tests.support.elf_object import (
    DESCRIPTOR,
    ENTRIES,
    ET_EXEC,
    OBJECTS,
    ROOM,
    ObjectFile,
    interface,
)
from tests.support.fake import FakeTarget

CODE = 0x7F0000001000


def target(memory: dict[int, bytes]) -> FakeTarget:
    return FakeTarget(memory=memory, symbols={SYMBOL: DESCRIPTOR})


def found(memory: dict[int, bytes]) -> JitObjects:
    objects = read_objects(target(memory))
    assert isinstance(objects, JitObjects), objects
    return objects


def functions(count: int) -> list[bytes]:
    return [
        ObjectFile(CODE + 0x100 * n, symbols={f"f{n}": (0, 0x40), f"g{n}": (0x40, 0)}).build()
        for n in range(count)
    ]


def test_every_address_has_its_object_and_symbol():
    objects = found(interface(functions(20)))
    for n in range(20):
        base = CODE + 0x100 * n
        described = objects.at(base + 0x3C)
        assert (described.number, described.symbol) == (n + 1, CodeSpan(base, base + 0x40, f"f{n}"))
        # A symbol without a size goes to the end of its section.
        assert objects.at(base + 0xFF).symbol == CodeSpan(base + 0x40, base + 0x100, f"g{n}")
    assert objects.at(CODE - 1).block == objects.at(CODE + 0x1400).block == NOT_APPLICABLE
    assert objects.notes == ()


def test_values_of_an_executable_object_are_addresses():
    one = ObjectFile(CODE, symbols={"f": (CODE + 8, 8)}, type=ET_EXEC).build()
    assert found(interface([one])).at(CODE + 8).symbol == CodeSpan(CODE + 8, CODE + 16, "f")
    assert found(interface([one])).at(CODE).symbol == NOT_APPLICABLE


def test_memory_that_was_used_again_is_the_newest_objects():
    old = ObjectFile(CODE, symbols={"old": (0, 0x100)}).build()
    new = ObjectFile(CODE, symbols={"new": (0, 0x100)}).build()
    assert found(interface([old, new])).at(CODE).symbol == CodeSpan(CODE, CODE + 0x100, "new")
    assert found(interface([new, old])).at(CODE).symbol == CodeSpan(CODE, CODE + 0x100, "old")


def test_no_interface_and_an_empty_one():
    assert read_objects(FakeTarget()).reason is Reason.NOT_APPLICABLE
    assert read_objects(target({DESCRIPTOR: bytes(24)})).reason is Reason.NOT_APPLICABLE
    assert found(interface([])).at(CODE).block == NOT_APPLICABLE


@pytest.mark.parametrize(
    ("memory", "reason"),
    [({}, Reason.UNMAPPED), (interface([], version=2), Reason.DAMAGED)],
    ids=["unreadable", "version 2"],
)
def test_a_descriptor_that_is_no_good(memory, reason):
    assert read_objects(target(memory)).reason is reason


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ({4: ENTRIES}, "does not link back|does not end"),
        ({1: ENTRIES + 32}, "does not link back|does not end"),
        ({1: 0x10}, "0x10"),
        ({1: (1 << 64) - 32}, "not mapped"),
    ],
    ids=["a ring", "an entry that is its own next", "unmapped", "beyond memory"],
)
def test_a_damaged_list_keeps_what_was_read(links, words):
    objects = found(interface(functions(5), links=links))
    newest = CODE + 0x400
    assert isinstance(objects.at(newest).block, CodeSpan)
    (note,) = objects.notes
    assert "not whole" in note
    hole = objects.at(CODE + 0x9000).block
    assert isinstance(hole, Absent)
    assert hole.is_hole


def test_an_entry_being_registered_is_said():
    (note,) = found(interface(functions(2), action=1)).notes
    assert note == f"the entry at {ENTRIES:#x} is being registered"


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"no ELF".ljust(200, b"\0"),
        ObjectFile(CODE, machine=62).build(),
        ObjectFile(CODE, section_size=63).build(),
        ObjectFile(CODE).build()[:100],
    ],
    ids=["empty", "no ELF", "x86-64", "odd headers", "cut off"],
)
def test_a_bad_object_spoils_no_other(bad):
    good = ObjectFile(CODE + 0x1000, symbols={"good": (0, 0x100)}).build()
    objects = found(interface([bad, good]))
    assert objects.at(CODE + 0x1000).symbol == CodeSpan(CODE + 0x1000, CODE + 0x1100, "good")
    assert objects.at(CODE).block.is_hole
    assert objects.notes[0].startswith("1 of 2 registered objects: ")


@pytest.mark.parametrize(
    "one",
    [
        ObjectFile(CODE, symbols={"f": (0, 8)}, strings_at=0xFFFF_FFFF_FFFF),
        ObjectFile(CODE, symbols={"f": (0, 8)}, symbol_count=1 << 30),
        ObjectFile(CODE, symbols={"f": (0, 8)}, symbol_count=1000),
    ],
    ids=["strings elsewhere", "a thousand million symbols", "more symbols than bytes"],
)
def test_symbols_that_cannot_be_read_are_a_hole(one):
    symbol = found(interface([one.build()])).at(CODE).symbol
    assert isinstance(symbol, Absent)
    assert symbol.is_hole


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_flipped_bytes_never_raise(data):
    memory = interface(functions(3))
    for start in (DESCRIPTOR, ENTRIES, OBJECTS):
        size = {DESCRIPTOR: 24, ENTRIES: 96, OBJECTS: 400}[start]
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, size - 1))
            value = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
            content = memory[start]
            memory[start] = content[:at] + bytes([value]) + content[at + 1 :]
    objects = read_objects(target(memory))
    if isinstance(objects, JitObjects):
        for offset in (0, 0x40, 0x200, 0x2FF, 0x300):
            objects.at(CODE + offset)


def test_many_objects_cost_few_reads():
    asked = target(interface(functions(64)))
    objects = read_objects(asked)
    assert isinstance(objects, JitObjects)
    objects.at(CODE)
    pages = 64 * ROOM // 4096 + 16
    assert len(asked.reads) <= pages + 2
