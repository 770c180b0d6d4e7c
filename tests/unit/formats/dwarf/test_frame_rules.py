"""Call frame information: every instruction that compilers write, and what damage does."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from elftools.dwarf.callframe import FDE
from elftools.elf.elffile import ELFFile

from mtedbg.formats.dwarf.call_frames import Common, Entry, FrameSection
from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.formats.dwarf.frame_rules import FrameAddress, Kind, Rule, rules_at
from mtedbg.formats.dwarf.sections import DebugSections
from mtedbg.model.absent import Absent, Reason
from tests.support.compile import compiled

FACTOR = -8
NO = Absent(Reason.UNREADABLE)


def entry(program: bytes, initial: bytes = b"\x0c\x1f\x00", end: int = 0x1100) -> Entry:
    """Of code at 0x1000; the frame address is sp + 0 at first."""
    return Entry(Common(4, FACTOR, 30, 0x1B, True, False, initial), 0x1000, end, program)


def rules(program: bytes, pc: int = 0x1000, initial: bytes = b"\x0c\x1f\x00"):
    return rules_at(entry(program, initial), pc)


@pytest.mark.parametrize(
    ("program", "rule"),
    [
        (b"\x9d\x02", Rule(Kind.OFFSET, -16)),
        (b"\x05\x1d\x02", Rule(Kind.OFFSET, -16)),
        (b"\x11\x1d\x7e", Rule(Kind.OFFSET, 16)),
        (b"\x2f\x1d\x02", Rule(Kind.OFFSET, 16)),
        (b"\x07\x1d", Rule(Kind.UNDEFINED)),
        (b"\x08\x1d", Rule(Kind.SAME)),
        (b"\x09\x1d\x13", Rule(Kind.REGISTER, 19)),
        (b"\x10\x1d\x02\x8f\x10", Rule(Kind.EXPRESSION, 0, b"\x8f\x10")),
        (b"\x16\x1d\x02\x8f\x10", Rule(Kind.VALUE_EXPRESSION, 0, b"\x8f\x10")),
        (b"\x14\x1d\x02", Rule(Kind.VALUE_OFFSET, -16)),
        (b"\x15\x1d\x7e", Rule(Kind.VALUE_OFFSET, 16)),
        (b"\x9d\x02\x2e\x10\x00", Rule(Kind.OFFSET, -16)),
        (b"\x9d\x02\xdd", None),
        (b"\x9d\x02\x06\x1d", None),
        (b"\x0a\x9d\x02\x0b", None),
    ],
)
def test_rules_of_a_register(program: bytes, rule: Rule | None) -> None:
    assert rules(program).rules.get(29) == rule


@pytest.mark.parametrize(
    ("program", "address"),
    [
        (b"", FrameAddress(31, 0)),
        (b"\x0c\x1d\x10", FrameAddress(29, 16)),
        (b"\x12\x1d\x7e", FrameAddress(29, 16)),
        (b"\x0d\x1d", FrameAddress(29, 0)),
        (b"\x0e\x90\x01", FrameAddress(31, 144)),
        (b"\x13\x7e", FrameAddress(31, 16)),
        (b"\x0f\x02\x8f\x10", FrameAddress(0, 0, b"\x8f\x10")),
        (b"\x0a\x0e\x20\x0b", FrameAddress(31, 0)),
    ],
)
def test_the_frame_address(program: bytes, address: FrameAddress) -> None:
    assert rules(program).address == address


@pytest.mark.parametrize(
    "advance", [b"\x42", b"\x02\x02", b"\x03\x02\x00", b"\x04\x02\x00\x00\x00"]
)
def test_rules_begin_where_they_say(advance: bytes) -> None:
    program = advance + b"\x0e\x10"
    assert rules(program, 0x1007).address.offset == 0
    assert rules(program, 0x1008).address.offset == 16


def test_a_rule_goes_back_to_the_first_one() -> None:
    initial = b"\x0c\x1f\x00\x9d\x04"
    assert rules(b"\x9d\x02\xdd", initial=initial).rules[29] == Rule(Kind.OFFSET, -32)


@pytest.mark.parametrize(
    ("program", "signed"),
    [
        (b"", False),
        (b"\x2d", True),
        (b"\x2c", True),
        (b"\x2d\x2d", False),
        (b"\x2b\x01\x00", True),
        (b"\x16\x22\x01\x31", True),
        (b"\x2d\x0a\x2d\x0b", True),
    ],
)
def test_whether_the_return_address_is_signed(program: bytes, signed: bool) -> None:
    assert rules(program).is_signed is signed


@pytest.mark.parametrize(
    "program",
    [
        b"\x0b",
        b"\x0a" * 100,
        b"\x00" * (1 << 15),
        b"\x3c",
        b"\x01" + bytes(8),
        b"\x9d",
        b"\x10\x1d\x7f",
        b"\x0f\x01\x96\x0e\x10",
        b"\x0e" + b"\xff" * 12,
    ],
)
def test_damage_is_an_error_of_its_own(program: bytes) -> None:
    with pytest.raises(DamagedError):
        rules(program)


def test_no_frame_address() -> None:
    with pytest.raises(DamagedError):
        rules(b"", initial=b"")


@pytest.fixture(scope="module", params=[("-O2", "-mbranch-protection=standard"), ("-O0",)])
def program(request: pytest.FixtureRequest) -> Path:
    return compiled("calls", *request.param, "-fasynchronous-unwind-tables", "-ldl")


def section_of(data: bytes, name: str) -> FrameSection:
    sections = DebugSections(data, name)
    raw, start = sections.whole(name), sections.address(name)

    def read(address: int, length: int) -> bytes | Absent:
        at = address - start
        return raw[at : at + length] if 0 <= at <= len(raw) - length else NO

    return FrameSection(read, start, len(raw), is_eh=name == ".eh_frame")


def test_every_row_is_pyelftools(program: Path) -> None:
    """The rules at each instruction of a compiled program, by another reader."""
    section, compared = section_of(program.read_bytes(), ".eh_frame"), 0
    with program.open("rb") as file:
        entries = ELFFile(file).get_dwarf_info().EH_CFI_entries()
        for fde in entries:
            if not isinstance(fde, FDE):
                continue
            begin, size = fde.header.initial_location, fde.header.address_range
            table = fde.get_decoded().table
            for number, row in enumerate(table):
                end = table[number + 1]["pc"] if number + 1 < len(table) else begin + size
                for pc in range(row["pc"], end, 4):
                    found = section.search(pc)
                    assert found is not None
                    mine = rules_at(found, pc)
                    assert (mine.address.register, mine.address.offset) == (
                        row["cfa"].reg,
                        row["cfa"].offset,
                    )
                    saved = {
                        register: rule.arg
                        for register, rule in row.items()
                        if isinstance(register, int) and rule.type == "OFFSET"
                    }
                    assert saved == {
                        register: rule.value
                        for register, rule in mine.rules.items()
                        if rule.kind is Kind.OFFSET
                    }
                    compared += 1
    assert compared > 200


def test_damaged_sections_end(program: Path) -> None:
    """Whatever is in them, they are read to an end, and only their own error comes out."""
    sections = DebugSections(program.read_bytes(), "it")
    good, start = sections.whole(".eh_frame"), sections.address(".eh_frame")
    chance = random.Random(7)
    pcs = range(0x900, 0x2400, 0x40)
    for _ in range(150):
        data = bytearray(good[: chance.randrange(1, len(good) + 1)])
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])

        def read(address: int, length: int, data: bytes = bytes(data)) -> bytes | Absent:
            at = address - start
            return data[at : at + length] if 0 <= at <= len(data) - length else NO

        section = FrameSection(read, start, len(data))
        for pc in pcs:
            try:
                found = section.search(pc)
                if found is not None:
                    rules_at(found, pc)
            except DamagedError:
                pass


def test_assembled_directives(tmp_path: Path) -> None:
    """What GNU as makes of .cfi directives, the escaped ones included."""
    source = """
    .text
    f: .cfi_startproc
    nop
    .cfi_def_cfa sp, 32
    .cfi_offset x19, -24
    .cfi_rel_offset x20, 16
    .cfi_register x30, x9
    nop
    .cfi_escape 0x0f, 3, 0x8f, 0x80, 1
    nop
    .cfi_endproc
    """
    unit, library = tmp_path / "a.o", tmp_path / "a.so"
    assembler = ["aarch64-linux-gnu-as", "-o", str(unit)]
    subprocess.run(assembler, input=source, text=True, check=True)
    linker = ["aarch64-linux-gnu-ld", "-shared", str(unit), "-o", str(library)]
    subprocess.run(linker, check=True)
    data = library.read_bytes()
    section = section_of(data, ".eh_frame")
    start = DebugSections(data, "it").address(".text")
    found = section.search(start)
    assert found is not None
    assert rules_at(found, start).address == FrameAddress(31, 0)
    second = rules_at(found, start + 4)
    assert second.address == FrameAddress(31, 32)
    assert second.rules == {
        19: Rule(Kind.OFFSET, -24),
        20: Rule(Kind.OFFSET, -16),
        30: Rule(Kind.REGISTER, 9),
    }
    assert rules_at(found, start + 8).address.expression == b"\x8f\x80\x01"
