"""QEMU's vDSO in memory becomes the file that it was, but for one symbol."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from mtedbg.errors import FileFormatError
from mtedbg.formats.vdso import in_place, is_vdso

SOURCE = """
asm(".text; nop; .globl __kernel_rt_sigreturn; .type __kernel_rt_sigreturn, %function;"
    "__kernel_rt_sigreturn: mov x8, 139; svc 0; .size __kernel_rt_sigreturn, 8");
int __kernel_getcpu(void) { return 1; }
"""
BASE = 0xFFFF_8000_0000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: Path = tmp_path_factory.mktemp("vdso") / "vdso.so"
    command = ["aarch64-linux-gnu-gcc", "-shared", "-nostdlib", "-O1", "-x", "c", "-"]
    subprocess.run([*command, "-o", str(path)], input=SOURCE, text=True, check=True)
    return path.read_bytes()


def in_memory(file: bytes) -> bytes:
    """As QEMU's user mode leaves it: segments and symbols moved to where they are."""
    moved, elf = bytearray(file), ELFFile(io.BytesIO(file))

    def move(place: int) -> None:
        value = int.from_bytes(moved[place : place + 8], "little") + BASE
        moved[place : place + 8] = value.to_bytes(8, "little")

    for number in range(elf.num_segments()):
        start = elf["e_phoff"] + number * elf["e_phentsize"]
        move(start + 16)
        move(start + 24)
    for name in (".dynsym", ".symtab"):
        section = elf.get_section_by_name(name)
        for number in range(section.num_symbols()):
            move(section["sh_offset"] + number * section["sh_entsize"] + 8)
    return bytes(moved)


def symbols(data: bytes) -> dict[str, tuple[int, int]]:
    table = ELFFile(io.BytesIO(data)).get_section_by_name(".dynsym")
    return {one.name: (one["st_value"], one["st_size"]) for one in table.iter_symbols()}


def test_it_is_the_file_again(file: bytes) -> None:
    made, before = symbols(in_place(in_memory(file), BASE)), symbols(file)
    start, size = before.pop("__kernel_rt_sigreturn")
    assert made.pop("__kernel_rt_sigreturn") == (start - 4, size + 4)
    assert made == before
    assert is_vdso(in_memory(file))
    assert not is_vdso(file[1:])
    segments = [ELFFile(io.BytesIO(one)).iter_segments() for one in (file, in_place(file, BASE))]
    assert [one.header for one in segments[0]] == [one.header for one in segments[1]]


@pytest.mark.parametrize("place", [32, 40, 54, 56, 58, 60])
@pytest.mark.parametrize("value", [b"\0\0", b"\xff\xff"])
def test_headers_that_cannot_be_are_left_alone(file: bytes, place: int, value: bytes) -> None:
    bent = bytearray(in_memory(file))
    bent[place : place + 2] = value
    assert len(in_place(bytes(bent), BASE)) == len(file)


def test_what_is_not_elf_is_refused() -> None:
    with pytest.raises(FileFormatError, match="not an ELF file"):
        in_place(bytes(4096), BASE)
