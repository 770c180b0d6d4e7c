"""ELF headers of cores and of the images mapped in them, checked before they are believed.

Source: System V gABI, chapters 4 and 5; "ELF for the Arm 64-bit Architecture" (AAELF64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, overload

from mtedbg.errors import FileFormatError

ET_EXEC, ET_DYN, ET_CORE = 2, 3, 4
EM_AARCH64 = 183
PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4
PT_AARCH64_MEMTAG_MTE = 0x70000002
PF_X, PF_W, PF_R = 1, 2, 4
PN_XNUM = 0xFFFF
MAX_HEADERS = 1 << 20
NT_GNU_BUILD_ID = 3
MAX_NOTES = 1 << 20

_FILE = struct.Struct("<16sHHIQQQIHHHHHH")
FILE_HEADER_SIZE = _FILE.size
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_NOTE = struct.Struct("<III")
_KINDS = {1: "an object file", ET_EXEC: "an executable", ET_DYN: "an executable or library"}
_MACHINES = {3: "i386", 8: "MIPS", 21: "64-bit PowerPC", 22: "S/390", 40: "32-bit Arm"}
_MACHINES |= {62: "x86-64", 243: "RISC-V", 258: "LoongArch"}


class Buffer(Protocol):
    """What is read from: `bytes` or a mapping of a file."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: int, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class FileHeader:
    """The fields of the ELF header that matter here."""

    type: int
    machine: int
    entry: int
    program_headers: int
    sections: int
    program_header_size: int
    program_header_count: int
    section_size: int
    section_count: int


@dataclass(frozen=True, slots=True)
class ProgramHeader:
    """One program header, with its place in the table."""

    index: int
    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int


@dataclass(frozen=True, slots=True)
class Section:
    """One section header."""

    type: int
    address: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True, slots=True)
class Note:
    """One note: its owner, type, and where its contents are in the buffer."""

    owner: bytes
    type: int
    start: int
    size: int


def file_header(data: Buffer, name: str) -> FileHeader:
    """The header of a 64-bit little-endian ELF file.

    Args:
        data: the file, or its beginning.
        name: the file's name, for the message.

    Raises:
        FileFormatError: it is something else.
    """
    start = data[: _FILE.size]
    if start[:4] != b"\x7fELF":
        what = "is empty" if not start else "is not an ELF file"
        raise FileFormatError(f"{name} {what}", "give an ELF core file of AArch64 Linux")
    if len(start) < _FILE.size:
        raise FileFormatError(f"{name} ends within its ELF header", "copy it again, whole")
    identity, kind, machine, _, entry, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, _ = (
        _FILE.unpack(start)
    )
    if identity[4] != 2 or identity[5] != 1:
        what = "32-bit" if identity[4] == 1 else "big-endian" if identity[5] == 2 else "damaged"
        raise FileFormatError(
            f"{name} has a {what} ELF header", "AArch64 Linux has 64-bit little-endian files"
        )
    return FileHeader(kind, machine, entry, phoff, shoff, phentsize, phnum, shentsize, shnum)


def core_header(data: Buffer, name: str) -> FileHeader:
    """The header of an AArch64 core file.

    Raises:
        FileFormatError: it is none.
    """
    header = file_header(data, name)
    if header.type != ET_CORE:
        what = _KINDS.get(header.type, f"an ELF file of type {header.type}")
        raise FileFormatError(
            f"{name} is {what}, not a core file", "give the core file; its program goes to --exe"
        )
    if header.machine != EM_AARCH64:
        what = _MACHINES.get(header.machine, f"machine {header.machine}")
        raise FileFormatError(
            f"{name} is a core file of {what}, not of AArch64", "use the debugger of that machine"
        )
    return header


def program_headers(data: Buffer, header: FileHeader, name: str) -> tuple[list[ProgramHeader], int]:
    """The program headers that the file really has, and how many it says it has.

    Raises:
        FileFormatError: they cannot be what is said of them.
    """
    count = header.program_header_count
    if count == PN_XNUM and header.sections:  # the true count is in the first section header
        first = data[header.sections : header.sections + _SECTION.size]
        if len(first) == _SECTION.size:
            count = _SECTION.unpack(first)[7]
    if count == 0:
        raise FileFormatError(f"{name} has no program headers", "copy it again, whole")
    if header.program_header_size != _PROGRAM.size:
        raise FileFormatError(
            f"{name} has program headers of {header.program_header_size} bytes, not 56",
            "its ELF header is damaged: copy it again",
        )
    if count > MAX_HEADERS:
        raise FileFormatError(
            f"{name} says it has {count} program headers", f"at most {MAX_HEADERS} are believed"
        )
    start = header.program_headers
    table = data[start : start + count * _PROGRAM.size] if start < len(data) else b""
    table = table[: len(table) // _PROGRAM.size * _PROGRAM.size]
    if not table:
        raise FileFormatError(f"{name} ends before its program headers", "copy it again, whole")
    fields = enumerate(_PROGRAM.iter_unpack(table))
    headers = [ProgramHeader(i, f[0], f[1], f[2], f[3], f[5], f[6]) for i, f in fields]
    return headers, count


def sections(data: Buffer, header: FileHeader) -> list[Section]:
    """The section headers that are whole; none where the table is damaged or missing."""
    if header.section_size != _SECTION.size or not 0 < header.sections < len(data):
        return []
    end = header.sections + header.section_count * _SECTION.size
    table = data[header.sections : end]
    table = table[: len(table) // _SECTION.size * _SECTION.size]
    return [Section(f[1], f[3], f[4], f[5], f[6]) for f in _SECTION.iter_unpack(table)]


def notes(data: Buffer, start: int, size: int) -> Iterator[Note]:
    """The notes in `size` bytes at `start`, up to the first that does not fit."""
    position, end = start, min(start + size, len(data))
    for _ in range(MAX_NOTES):
        if position + _NOTE.size > end:
            return
        owner_size, contents_size, kind = _NOTE.unpack(data[position : position + _NOTE.size])
        owner = position + _NOTE.size
        contents = owner + (owner_size + 3) // 4 * 4
        if contents + contents_size > end:
            return
        yield Note(
            data[owner : owner + min(owner_size, 32)].rstrip(b"\0"), kind, contents, contents_size
        )
        position = contents + (contents_size + 3) // 4 * 4


def build_id(data: Buffer, start: int, size: int) -> bytes:
    """The GNU build id in the notes at `start`, or nothing."""
    for note in notes(data, start, size):
        if note.owner == b"GNU" and note.type == NT_GNU_BUILD_ID and 0 < note.size <= 64:
            return data[note.start : note.start + note.size]
    return b""
