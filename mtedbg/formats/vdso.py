"""The vDSO as it is in memory → an ELF file.

QEMU's user mode has moved the segments and symbols of its vDSO in memory, but not its sections:
they are moved back. Source: elf(5); kernel, Documentation/ABI/stable/vdso.
"""

from __future__ import annotations

from mtedbg.formats import elf

_RETURN = b"__kernel_rt_sigreturn\0"
"""The name of the code that a signal handler returns to."""

_MOST_HEADERS = 64
_INSTRUCTION = 4
_WORD = (1 << 64) - 1


def is_vdso(data: bytes) -> bool:
    """Whether it is one, by what is in it: QEMU calls it [heap] at times."""
    return data.startswith(elf.MAGIC) and _RETURN in data


def in_place(data: bytes, base: int) -> bytes:
    """An ELF image whose segments and symbols are at offsets, as they are in a file.

    The symbol that a handler returns to begins an instruction earlier, at the NOP that stands
    before it for unwinders: they look for the call before a return address, and so does LLDB.

    Args:
        data: as it is in memory.
        base: where in memory.

    Raises:
        FileFormatError: it is not a 64-bit little-endian ELF image.
    """
    header = elf.file_header(data, "the vDSO")
    found = bytearray(data)
    for at in _program_headers(data, header):
        kind, flags, offset, virtual, physical, *sizes = elf.PROGRAM_HEADER.unpack_from(found, at)
        virtual, physical = (one - base if one >= base else one for one in (virtual, physical))
        elf.PROGRAM_HEADER.pack_into(found, at, kind, flags, offset, virtual, physical, *sizes)
    sections = elf.sections(data, header)
    for section in sections:
        whole = section.offset + section.size <= len(found) and section.link < len(sections)
        if section.type in (elf.SHT_SYMTAB, elf.SHT_DYNSYM) and whole:
            count, names = section.size // elf.SYMBOL.size, sections[section.link].offset
            _move_symbols(found, section.offset, count, names, base)
    return bytes(found)


def _program_headers(data: bytes, header: elf.FileHeader) -> range:
    """Where the program headers are; nowhere, where the table is not whole or of another form."""
    size, start = elf.PROGRAM_HEADER.size, header.program_headers
    end = start + min(header.program_header_count, _MOST_HEADERS) * size
    fits = header.program_header_size == size and end <= len(data)
    return range(start, end, size) if fits else range(0)


def _move_symbols(data: bytearray, start: int, count: int, names: int, base: int) -> None:
    for at in range(start, start + count * elf.SYMBOL.size, elf.SYMBOL.size):
        name, info, other, where, value, size = elf.SYMBOL.unpack_from(data, at)
        value -= base if value >= base else 0
        if data.startswith(_RETURN, names + name) and value >= _INSTRUCTION:
            value, size = value - _INSTRUCTION, size + _INSTRUCTION & _WORD
        elf.SYMBOL.pack_into(data, at, name, info, other, where, value, size)
