"""Dynamic symbols of an image as it was dumped, without its file: as of the vDSO."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from mtedbg.adapters.core import CoreTarget
from mtedbg.model.absent import Absent
from mtedbg.model.process import Symbol
from tests.support.elf_core import PAGE, Core, Load

SOURCE = """
int shared_number = 7;
int first(void) { return 1; }
int second(int x) { return x * shared_number; }
static int hidden(void) { return 3; }
int third(void) { return hidden() + second(2); }
"""
BASE = 0xFFFF_8000_0000
STYLES = ["sysv", "gnu", "both"]


@pytest.fixture(scope="module", params=STYLES)
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    path = folder / "lib.so"
    command = ["aarch64-linux-gnu-gcc", "-shared", "-nostdlib", "-O1", "-x", "c", "-"]
    command += [f"-Wl,--hash-style={request.param}", "-o", str(path)]
    subprocess.run(command, input=SOURCE, text=True, check=True)
    return path


def dumped(library: Path, *, relocated: bool) -> Core:
    """The library in memory, its dynamic section as the loader leaves it or as in the file."""
    loads = []
    contents = bytearray(library.read_bytes())
    with library.open("rb") as file:
        elf = ELFFile(file)
        if relocated:
            relocate(contents, elf)
        for segment in elf.iter_segments("PT_LOAD"):
            start = segment["p_vaddr"] // PAGE * PAGE
            data = bytes(segment["p_vaddr"] - start)
            data += contents[segment["p_offset"] :][: segment["p_filesz"]]
            loads.append(Load(BASE + start, data))
    return Core(loads)


def relocate(contents: bytearray, elf: ELFFile) -> None:
    section = elf.get_section_by_name(".dynamic")
    for index in range(section.num_tags()):
        place = section["sh_offset"] + 16 * index
        if section.get_tag(index)["d_tag"] in ("DT_SYMTAB", "DT_STRTAB", "DT_HASH", "DT_GNU_HASH"):
            value = int.from_bytes(contents[place + 8 : place + 16], "little") + BASE
            contents[place + 8 : place + 16] = value.to_bytes(8, "little")


def defined(library: Path) -> dict[str, int]:
    with library.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        return {
            symbol.name: symbol["st_value"]
            for symbol in table.iter_symbols()
            if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name
        }


@pytest.mark.parametrize("relocated", [False, True])
def test_symbols_are_those_of_the_file(library: Path, tmp_path: Path, relocated: bool) -> None:
    target = CoreTarget(dumped(library, relocated=relocated).write(tmp_path))
    symbols = defined(library)
    assert {"first", "second", "third", "shared_number"} <= symbols.keys()
    for name, value in symbols.items():
        assert target.symbol_address(name) == BASE + value
    assert target.symbol_at(BASE + symbols["second"] + 4) == Symbol("second", 4)
    assert isinstance(target.symbol_address("hidden"), Absent)


def test_damaged_tables_end(library: Path, tmp_path: Path) -> None:
    core = dumped(library, relocated=False)
    first = core.loads[0]
    for place in range(64 + 7 * 56, len(first.data), 17):
        for value in (0x00, 0xFF):
            damaged = first.data[:place] + bytes([value]) + first.data[place + 1 :]
            core.loads[0] = Load(first.start, damaged)
            CoreTarget(core.write(tmp_path)).symbol_address("third")
