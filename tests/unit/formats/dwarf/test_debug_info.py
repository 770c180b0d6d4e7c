"""Compiled programs: lines, functions and inlined calls, beside addr2line's.

GDB takes an inlined block that is in pieces for all that is between them.
"""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from mtedbg.decode.demangle import demangled
from mtedbg.formats.dwarf.debug_info import DebugInfo
from tests.support.compile import compiled

FORMS = {
    "5": ("-O2", "-gdwarf-5"),
    "4": ("-O2", "-gdwarf-4"),
    "3": ("-O1", "-gdwarf-3", "-gstrict-dwarf"),
    "2": ("-O1", "-gdwarf-2", "-gstrict-dwarf"),
    "lines alone": ("-O2", "-g1"),
}
SAME = {
    "5 of 64 bits": ("-gdwarf64",),
    "zlib": ("-gz=zlib",),
    "old zlib": ("-gz=zlib-gnu",),
    "in pieces": ("-fdebug-types-section",),
    "column": ("-gno-column-info",),
}
"""Other encodings of what `FORMS["5"]` has."""

STEP = 12


def debug_info(program: Path) -> DebugInfo:
    return DebugInfo(program.read_bytes(), program.name, demangled)


def code_of(program: Path, *names: str) -> list[int]:
    """Addresses of instructions of functions."""
    command = ["aarch64-linux-gnu-nm", "-S", "--defined-only", str(program)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: list[int] = []
    for line in printed.splitlines():
        words = line.split()
        if len(words) == 4 and words[2] in "tTwW" and (not names or words[3] in names):
            start, size = int(words[0], 16), int(words[1], 16)
            found += range(start, start + size, STEP)
    return found


Levels = tuple[str, list[str]]
"""The line of the innermost level, and the functions, the innermost first."""


def theirs(program: Path, addresses: list[int]) -> dict[int, Levels]:
    """What addr2line says."""
    command = ["aarch64-linux-gnu-addr2line", "-a", "-i", "-f", "-e", str(program)]
    command += [f"{one:#x}" for one in addresses]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[int, Levels] = {}
    lines = iter(printed.splitlines())
    for line in lines:
        if re.fullmatch(r"0x[0-9a-f]{16}", line):
            address = int(line, 16)
            continue
        place = PurePosixPath(re.sub(r" \(discriminator \d+\)", "", next(lines))).name
        found.setdefault(address, (place, []))[1].append(demangled(line))
    return found


def ours(info: DebugInfo, address: int) -> Levels:
    place = info.place_at(address)
    assert place is not None, hex(address)
    names = [*(one.function for one in place.inlined), place.function]
    line = place.inlined[0].source if place.inlined else place.source
    return f"{PurePosixPath(line.file).name}:{line.line}" if line else "-:0", names


def compare(program: Path, addresses: list[int]) -> int:
    """Compares what both say, and counts what was inlined."""
    info, inlined = debug_info(program), 0
    expected = theirs(program, addresses)
    assert expected.keys() == set(addresses)
    for address, (line, names) in expected.items():
        if "?" in line:
            continue
        mine, mine_names = ours(info, address)
        assert mine == line, hex(address)
        assert len(mine_names) == len(names), hex(address)
        for one, other in zip(mine_names, names, strict=True):
            # It has the symbol's name where debug information has no linkage name.
            other = other.split(" [clone")[0]
            assert one == other or other.endswith(f"::{one.rsplit('::', 1)[-1]}")
        inlined += len(names) > 1
    assert info.remarks == []
    return inlined


@pytest.mark.parametrize("flags", FORMS.values(), ids=FORMS)
def test_lines_and_inlined_calls_are_addr2lines(flags: tuple[str, ...]) -> None:
    program = compiled("calls", *flags, "-ldl")
    names = ("leaf", "sized", "first", "main", "on_info", "sorts", "handle", "null_call")
    addresses = code_of(program, *names)
    assert len(addresses) > 40
    assert compare(program, addresses) > 2 or "-O1" in flags


@pytest.mark.parametrize("flags", SAME.values(), ids=SAME)
def test_other_encodings_say_the_same(flags: tuple[str, ...]) -> None:
    plain = compiled("calls", "-O2", "-gdwarf-5", "-ldl")
    other = compiled("calls", "-O2", "-gdwarf-5", *flags, "-ldl")
    addresses = code_of(plain, "leaf", "sized", "main", "sorts")
    assert addresses == code_of(other, "leaf", "sized", "main", "sorts")
    first, second = debug_info(plain), debug_info(other)
    for address in addresses:
        assert first.place_at(address) == second.place_at(address)
        assert first.place_at(address) is not None
    assert second.remarks == []


@pytest.mark.parametrize("flags", [("-O0",), ("-O2",)], ids=["O0", "O2"])
def test_names_of_cpp_are_addr2lines(flags: tuple[str, ...]) -> None:
    program = compiled("calls_cpp", *flags)
    command = ["aarch64-linux-gnu-nm", "-S", "--defined-only", str(program)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^\S+ \S+ [tTwW] (_Z\S*(?:3put|2go|EplEi)\S*)$", printed, re.M)
    addresses = code_of(program, *names, "main")
    assert len(addresses) > 10
    compare(program, addresses)


def test_nothing_is_said_of_other_addresses() -> None:
    info = debug_info(compiled("calls", "-O2", "-ldl"))
    for address in (0, 1, 0x10, 1 << 40, (1 << 64) - 1):
        assert info.place_at(address) is None


def test_a_program_without_debug_information(tmp_path: Path) -> None:
    program = compiled("calls", "-O2", "-ldl")
    stripped = tmp_path / "stripped"
    subprocess.run(["aarch64-linux-gnu-strip", "-o", str(stripped), str(program)], check=True)
    info = debug_info(stripped)
    assert not info.is_there
    assert info.place_at(code_of(program, "leaf")[0]) is None


def test_split_debug_information_still_has_lines() -> None:
    """The functions are in a .dwo file; the lines are in the program."""
    program = compiled("calls", "-O2", "-gsplit-dwarf", "-ldl")
    info = debug_info(program)
    address = code_of(program, "leaf")[1]
    place = info.place_at(address)
    assert place is not None
    assert place.source is not None
    assert place.source.file.endswith("calls.c")
    assert place.function == ""
    assert any(".dwo" in remark for remark in info.remarks)


@pytest.mark.parametrize("name", ["info", "abbrev", "line", "ranges", "str", "aranges", "names"])
def test_damaged_debug_information_ends(name: str) -> None:
    """Whatever is in its sections, a place or none comes out."""
    program = compiled("calls", "-O2", "-gdwarf-5", "-ldl")
    data = program.read_bytes()
    sections = debug_info(program).sections
    real = {"ranges": ".debug_rnglists", "names": ".debug_line_str"}.get(name, f".debug_{name}")
    view = sections.view(real)
    addresses = code_of(program, "leaf", "main")[::6]
    chance = random.Random(real)
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(chance.randrange(1, 20)):
            at = view.start + chance.randrange(view.size)
            damaged[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        info = DebugInfo(bytes(damaged), "damaged", demangled)
        for address in addresses:
            info.place_at(address)
        assert len(info.remarks) <= 8
