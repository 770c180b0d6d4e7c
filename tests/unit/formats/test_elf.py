"""The ELF reader beside pyelftools, on a library and on what is left when it is cut off."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from mtedbg.errors import FileFormatError
from mtedbg.formats import elf


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("elf") / "lib.so"
    command = [
        "aarch64-linux-gnu-gcc",
        "-shared",
        "-nostdlib",
        "-fPIC",
        "-Wl,--build-id",
        "-x",
        "c",
        "-",
    ]
    text = "int data = 7; int f(void) { return data; } static int g(void) { return f(); }"
    subprocess.run([*command, "-o", str(path)], input=text, text=True, check=True)
    return path


def test_every_table_is_what_pyelftools_reads(path: Path) -> None:
    data = path.read_bytes()
    header = elf.file_header(data, "lib.so")
    headers, promised = elf.program_headers(data, header, "lib.so")
    sections = elf.sections(data, header)
    with path.open("rb") as file:
        other = ELFFile(file)
        assert (header.entry, promised) == (other["e_entry"], other.num_segments())
        assert [(h.offset, h.address, h.file_size, h.memory_size, h.flags) for h in headers] == [
            tuple(s[f"p_{name}"] for name in ("offset", "vaddr", "filesz", "memsz", "flags"))
            for s in other.iter_segments()
        ]
        assert [(s.flags, s.address, s.offset, s.size, s.link) for s in sections] == [
            tuple(s[f"sh_{name}"] for name in ("flags", "addr", "offset", "size", "link"))
            for s in other.iter_sections()
        ]
        table = other.get_section_by_name(".symtab")
        symbols = elf.symbols_in(table.data())
        assert [(value, size) for *_, value, size in symbols] == [
            (one["st_value"], one["st_size"]) for one in table.iter_symbols()
        ]
        section = other.get_section_by_name(".dynamic")
        expected = {one.entry.d_tag: one.entry.d_val for one in section.iter_tags()}
        assert elf.dynamic_in(section.data())[5] == expected["DT_STRTAB"]
        (note,) = other.get_section_by_name(".note.gnu.build-id").iter_notes()
        assert elf.file_build_id(data, headers).hex() == note["n_desc"]
    assert sections[1].is_code is False
    assert any(section.is_code for section in sections)


@pytest.mark.parametrize("size", [0, 3, 19, 20, 63, 64, 100, 64 + 56 * 2 + 5, 4096])
def test_what_is_cut_off_is_left_out(path: Path, size: int) -> None:
    data = path.read_bytes()[:size]
    assert elf.file_kind(data) == (
        elf.FileKind(elf.ET_DYN, elf.EM_AARCH64) if size >= elf.KIND_SIZE else None
    )
    if size < elf.FILE_HEADER.size:
        with pytest.raises(FileFormatError):
            elf.file_header(data, "lib.so")
        return
    header = elf.file_header(data, "lib.so")
    assert elf.sections(data, header) == []
    if size < 64 + 56:
        with pytest.raises(FileFormatError, match="ends before its program headers"):
            elf.program_headers(data, header, "lib.so")
    else:
        headers, promised = elf.program_headers(data, header, "lib.so")
        assert len(headers) == min(promised, (size - 64) // 56)


def test_a_part_of_a_record_is_none() -> None:
    assert elf.sections_in(bytes(elf.SECTION_HEADER.size - 1)) == []
    assert len(list(elf.symbols_in(bytes(elf.SYMBOL.size * 2 + 1)))) == 2
    assert elf.dynamic_in(b"\5".ljust(8, b"\0") + b"\7".ljust(8, b"\0") + bytes(15)) == {5: 7}
    first_wins = (b"\1".ljust(8, b"\0") + b"\2".ljust(8, b"\0")) * 2
    assert elf.dynamic_in(first_wins + bytes(16) + b"\6".ljust(16, b"\0")) == {1: 2}
