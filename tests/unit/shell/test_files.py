"""What cannot be opened is said before anything is started."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from mtedbg.errors import FileFormatError, MtedbgError
from mtedbg.shell.files import core_file, guest_file, needs_runtime, program_file

EXECUTABLE, CORE = 2, 4
X86_64, AARCH64, RISCV = 62, 183, 243


def elf(folder: Path, kind: int, machine: int) -> str:
    path = folder / f"{kind}-{machine}"
    path.write_bytes(b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HH", kind, machine) + bytes(44))
    return str(path)


def test_what_is_right_goes_through(tmp_path: Path) -> None:
    assert core_file(elf(tmp_path, CORE, AARCH64))
    assert program_file(elf(tmp_path, EXECUTABLE, AARCH64))
    assert needs_runtime(guest_file(elf(tmp_path, EXECUTABLE, X86_64)))
    assert not needs_runtime(guest_file(elf(tmp_path, EXECUTABLE, AARCH64)))


@pytest.mark.parametrize(
    ("kind", "machine", "message"),
    [
        (EXECUTABLE, AARCH64, "is not a core file"),
        (CORE, X86_64, "is a core file of another architecture"),
    ],
)
def test_no_core(tmp_path: Path, kind: int, machine: int, message: str) -> None:
    with pytest.raises(FileFormatError, match=message) as error:
        core_file(elf(tmp_path, kind, machine))
    assert error.value.next_step


@pytest.mark.parametrize(
    ("kind", "machine", "message"),
    [(CORE, AARCH64, "is a core file"), (EXECUTABLE, X86_64, "is not an AArch64 program")],
)
def test_no_program(tmp_path: Path, kind: int, machine: int, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        program_file(elf(tmp_path, kind, machine))


def test_no_guest(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="for another architecture"):
        guest_file(elf(tmp_path, EXECUTABLE, RISCV))


@pytest.mark.parametrize("contents", [b"", b"\x7fELF", b"#!/bin/sh\n" * 9])
def test_no_elf(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(contents)
    for open_it in (core_file, program_file, guest_file):
        with pytest.raises(FileFormatError, match="is not an ELF file"):
            open_it(str(path))


def test_nothing_there(tmp_path: Path) -> None:
    for name in (tmp_path / "missing", tmp_path):
        with pytest.raises(MtedbgError):
            program_file(str(name))
