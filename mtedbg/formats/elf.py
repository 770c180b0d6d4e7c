"""ELF: headers, program headers, sections, notes, symbols and the dynamic section.

The one reader of the project. Nothing that a file says is believed before it is checked. Functions
that take a `Buffer` read a file, which may be cut off anywhere; those named `..._in` take the bytes
of one table, from a file or from memory that was read in pieces, and leave out what is not whole.

Source: System V gABI, chapters 4 and 5; "ELF for the Arm 64-bit Architecture" (AAELF64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

from mtedbg.dataclass import dataclass
from mtedbg.errors import FileFormatError
from mtedbg.formats.buffer import Buffer

MAGIC = b"\x7fELF"
ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
EM_X86_64, EM_AARCH64 = 62, 183
PROGRAM_MACHINES = frozenset((EM_AARCH64, EM_X86_64))
"""Of images in a process here: its own, and those of a program that is translated."""
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
PT_GNU_EH_FRAME = 0x6474E550
PT_AARCH64_MEMTAG_MTE = 0x70000002
PF_X, PF_W, PF_R = 1, 2, 4
PN_XNUM = 0xFFFF
_IMPOSSIBLE = 1 << 20
SHT_SYMTAB, SHT_DYNSYM = 2, 11
SHF_ALLOC, SHF_EXECINSTR = 2, 4
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_GNU_IFUNC = 0, 1, 2, 10
MAX_HEADERS = 1 << 18
"""Program headers that are read: what databases have their machines allow in mappings."""
NT_GNU_BUILD_ID = 3
KIND_SIZE = 20
"""Bytes at the beginning of a file that `file_kind` takes."""
MAX_NOTES = 1 << 20
MAX_BUILD_ID_NOTES = 1 << 16
"""Bytes of notes that are searched for a build id."""

FILE_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
_DYNAMIC = struct.Struct("<qQ")
_NOTE = struct.Struct("<III")
_KINDS = {ET_REL: "an object file", ET_EXEC: "an executable", ET_DYN: "an executable or library"}
_MACHINES = {3: "i386", 8: "MIPS", 21: "64-bit PowerPC", 22: "S/390", 40: "32-bit Arm"}
_MACHINES |= {EM_X86_64: "x86-64", 243: "RISC-V", 258: "LoongArch"}


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
    flags: int
    address: int
    offset: int
    size: int
    link: int

    @property
    def is_code(self) -> bool:
        """Whether it holds instructions of the running program."""
        return bool(self.flags & SHF_ALLOC and self.flags & SHF_EXECINSTR and self.size)


@dataclass(frozen=True, slots=True)
class Note:
    """One note: its owner, type, and where its contents are in the buffer."""

    owner: bytes
    type: int
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class FileKind:
    """What kind of ELF file something is."""

    type: int
    machine: int


def file_kind(start: bytes) -> FileKind | None:
    """Type and machine of a little-endian ELF file, 32-bit or 64-bit; None of any other file.

    Args:
        start: its first `KIND_SIZE` bytes, or more.
    """
    if not start.startswith(MAGIC) or len(start) < KIND_SIZE:
        return None
    return FileKind(*struct.unpack_from("<HH", start, 16))


def file_header(data: Buffer, name: str) -> FileHeader:
    """The header of a 64-bit little-endian ELF file.

    Args:
        data: the file, or its beginning.
        name: the file's name, for the message.

    Raises:
        FileFormatError: it is something else.
    """
    start = data[: FILE_HEADER.size]
    if not start.startswith(MAGIC):
        what = "is empty" if not start else "is not an ELF file"
        raise FileFormatError(f"{name} {what}", "give an ELF core file of AArch64 Linux")
    if len(start) < FILE_HEADER.size:
        raise FileFormatError(f"{name} ends within its ELF header", "copy it again, completely")
    identity, *fields = FILE_HEADER.unpack(start)
    if identity[4] != 2 or identity[5] != 1:
        what = "32-bit" if identity[4] == 1 else "big-endian" if identity[5] == 2 else "damaged"
        raise FileFormatError(
            f"{name} has a {what} ELF header", "AArch64 Linux uses 64-bit little-endian files"
        )
    type_, machine, _, entry, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, _ = fields
    return FileHeader(type_, machine, entry, phoff, shoff, phentsize, phnum, shentsize, shnum)


def core_header(data: Buffer, name: str) -> FileHeader:
    """The header of an AArch64 core file.

    Raises:
        FileFormatError: it is something else.
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
            f"{name} is a core file of {what}, not of AArch64", "use a debugger for that machine"
        )
    return header


def program_headers(data: Buffer, header: FileHeader, name: str) -> tuple[list[ProgramHeader], int]:
    """The program headers that the file really has, and how many it says it has.

    Raises:
        FileFormatError: they cannot be what is said of them.
    """
    count = header.program_header_count
    if count == PN_XNUM and header.sections:  # the true count is in the first section header
        first = data[header.sections : header.sections + SECTION_HEADER.size]
        if len(first) == SECTION_HEADER.size:
            count = SECTION_HEADER.unpack(first)[7]
    if count == 0:
        raise FileFormatError(f"{name} has no program headers", "copy it again, completely")
    if header.program_header_size != PROGRAM_HEADER.size:
        raise FileFormatError(
            f"{name} has program headers of {header.program_header_size} bytes, not 56",
            "its ELF header is damaged: copy it again",
        )
    if count > _IMPOSSIBLE:
        raise FileFormatError(
            f"{name} says it has {count} program headers", f"at most {_IMPOSSIBLE} are supported"
        )
    start, most = header.program_headers, min(count, MAX_HEADERS)
    table = data[start : start + most * PROGRAM_HEADER.size] if start < len(data) else b""
    headers = program_headers_in(table)
    if not headers:
        raise FileFormatError(
            f"{name} ends before its program headers", "copy it again, completely"
        )
    return headers, count


def program_headers_in(table: bytes) -> list[ProgramHeader]:
    """The program headers in a table."""
    fields = enumerate(_records(PROGRAM_HEADER, table))
    return [ProgramHeader(i, f[0], f[1], f[2], f[3], f[5], f[6]) for i, f in fields]


def sections(data: Buffer, header: FileHeader) -> list[Section]:
    """The section headers that are whole; none where the table is damaged or missing."""
    if header.section_size != SECTION_HEADER.size or not 0 < header.sections < len(data):
        return []
    end = header.sections + header.section_count * SECTION_HEADER.size
    return sections_in(data[header.sections : end])


def sections_in(table: bytes) -> list[Section]:
    """The section headers in a table."""
    return [Section(*f[1:7]) for f in _records(SECTION_HEADER, table)]


def symbols_in(table: bytes) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Name, info, other, section, value and size of each symbol: a large table takes no objects."""
    return _records(SYMBOL, table)


def dynamic_in(section: bytes) -> dict[int, int]:
    """A dynamic section: the first value of each tag."""
    tags: dict[int, int] = {}
    for tag, value in _records(_DYNAMIC, section):
        if tag == 0:
            break
        tags.setdefault(tag, value)
    return tags


def _records(form: struct.Struct, table: bytes) -> Iterator[tuple[Any, ...]]:
    """The whole records of a table."""
    return form.iter_unpack(table[: len(table) // form.size * form.size])


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
    for note in notes(data, start, min(size, MAX_BUILD_ID_NOTES)):
        if note.owner == b"GNU" and note.type == NT_GNU_BUILD_ID and 0 < note.size <= 64:
            return data[note.start : note.start + note.size]
    return b""


def load_bias(base: int, loads: Iterable[ProgramHeader]) -> int:
    """What is added to an image's own addresses.

    Args:
        base: where its first page is mapped.
        loads: its segments that are loaded; without any, `base` is returned.
    """
    first = min(loads, key=lambda load: load.address, default=None)
    return base if first is None else base - (first.address - first.offset)


def file_build_id(data: Buffer, headers: Iterable[ProgramHeader]) -> bytes:
    """The build id in the notes of a file with these program headers, or nothing."""
    for header in headers:
        if header.type == PT_NOTE:
            found = build_id(data, header.offset, header.file_size)
            if found:
                return found
    return b""
