"""GDB's JIT interface as it lies in memory: whole, damaged, hostile."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtedbg.decode.code.jit_descriptors import Descriptors
from mtedbg.decode.code.jit_interface import SYMBOL, JitObjects, read_objects
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSpan
from mtedbg.model.memory import Region
from tests.support.elf_object import (
    DESCRIPTOR,
    ENTRIES,
    ET_DYN,
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
    [({}, Reason.UNMAPPED), (interface([], version=2), Reason.UNKNOWN_VERSION)],
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


def test_what_was_done_last_tells_nothing():
    """PHP, LLVM and BeamAsm leave it as it was at the last registration."""
    assert found(interface(functions(2), action=1)).notes == ()


def test_a_list_on_a_tagged_heap():
    memory = interface(functions(5))
    version, action, relevant, first = struct.unpack("<IIQQ", memory[DESCRIPTOR])
    tag = 0xA << 56
    memory[DESCRIPTOR] = struct.pack("<IIQQ", version, action, relevant | tag, first | tag)
    entries = bytearray(memory[ENTRIES])
    for at in range(0, 5 * 32, 32):
        links = struct.unpack_from("<QQQ", entries, at)
        struct.pack_into("<QQQ", entries, at, *(one | tag if one else 0 for one in links))
    memory[ENTRIES] = bytes(entries)
    objects = found(memory)
    assert objects.notes == ()
    assert objects.at(CODE + 0x404).symbol == CodeSpan(CODE + 0x400, CODE + 0x440, "f4")


def test_what_is_no_elf_is_of_a_form_that_is_not_known():
    good = ObjectFile(CODE + 0x1000, symbols={"good": (0, 0x100)}).build()
    objects = found(interface([b"no ELF".ljust(200, b"\0"), good]))
    assert objects.at(CODE + 0x1000).symbol == CodeSpan(CODE + 0x1000, CODE + 0x1100, "good")
    assert objects.at(CODE).block.reason is Reason.UNKNOWN_VERSION
    assert objects.notes == ("1 of 2 registered objects are of a form that is not known",)


def test_values_that_are_offsets_in_a_shared_object():
    shared = ObjectFile(CODE, symbols={"f": (0, 8), "g": (8, 8)}, type=ET_DYN).build()
    assert found(interface([shared])).at(CODE + 8).symbol == CodeSpan(CODE + 8, CODE + 16, "g")
    usual = ObjectFile(CODE, symbols={"g": (CODE + 8, 8)}, type=ET_DYN).build()
    assert found(interface([usual])).at(CODE + 8).symbol == CodeSpan(CODE + 8, CODE + 16, "g")


DATA = 0x900000
REGIONS = [
    Region(DATA, DATA + 0x1000, "rw-", "/usr/lib/libllvm.so", NOT_APPLICABLE),
    Region(DATA + 0x10000, DATA + 0x11000, "rw-", "/usr/bin/beam.smp", NOT_APPLICABLE),
    Region(0xA00000, 0xA01000, "rw-", "", NOT_APPLICABLE),
]


def stripped(*places: int) -> FakeTarget:
    """Descriptors without symbols; the list of the first has objects, those of others none."""
    memory = interface(functions(3))
    descriptor = memory.pop(DESCRIPTOR)
    for region in REGIONS:
        memory[region.start] = bytes(0x1000)
    for number, at in enumerate(places):
        page = bytearray(memory[at & ~0xFFF])
        empty = struct.pack("<IIQQ", 1, 0, 0, 0)
        page[at & 0xFFF : (at & 0xFFF) + 24] = empty if number else descriptor
        memory[at & ~0xFFF] = bytes(page)
    whole = Region(ENTRIES, OBJECTS + 0x10000, "rw-", "", NOT_APPLICABLE)
    mappings = sorted([*REGIONS, whole], key=lambda region: region.start)
    return FakeTarget(memory=memory, mappings=mappings)


def test_a_descriptor_without_a_symbol_is_found_by_its_shape():
    here = stripped(DATA + 0x10020, DATA + 0x128)
    objects = read_objects(here, Descriptors(here, dead=True))
    assert objects.at(CODE + 0x104).symbol == CodeSpan(CODE + 0x100, CODE + 0x140, "f1")
    assert objects.notes == (f"a descriptor without a symbol is at {DATA + 0x10020:#x}",)


def test_words_of_its_shape_are_none_without_a_list():
    here = stripped(DATA + 0x10024)  # no address of a pointer
    assert read_objects(here, Descriptors(here, dead=True)).reason is Reason.NOT_APPLICABLE
    here = stripped(DATA + 0x10020)
    here.memory[OBJECTS] = b""
    assert read_objects(here, Descriptors(here, dead=True)).reason is Reason.NOT_APPLICABLE
    heap = stripped(0xA00020)  # that is not data of an image
    assert read_objects(heap, Descriptors(heap, dead=True)).reason is Reason.NOT_APPLICABLE


def test_words_of_its_shape_whose_object_is_no_known_one_are_none():
    here = stripped(DATA + 0x10020)
    here.memory[OBJECTS] = b"no object".ljust(len(here.memory[OBJECTS]), b"\0")
    assert read_objects(here, Descriptors(here, dead=True)).reason is Reason.NOT_APPLICABLE


def test_one_with_a_symbol_is_counted_once():
    here = stripped(DATA + 0x10020)
    here.symbols[SYMBOL] = DATA + 0x10020
    objects = read_objects(here, Descriptors(here, dead=True))
    assert len(objects.entries) == 3
    assert objects.notes == ()


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        ObjectFile(CODE, machine=62).build(),
        ObjectFile(CODE, section_size=63).build(),
        ObjectFile(CODE).build()[:100],
    ],
    ids=["empty", "x86-64", "odd headers", "cut off"],
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
