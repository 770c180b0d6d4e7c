"""A guest program's ELF file, for what profiles say of its code.

Source: System V gABI, chapters 4 (symbols) and 5 (program headers).
"""

from __future__ import annotations

from collections.abc import Iterator

from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.formats.buffer import Buffer
from mtedbg.formats.elf import FileHeader
from mtedbg.model.guest import CodeSegment, GuestImage

_MOST_SYMBOLS = 1 << 20
_NEXT_STEP = "give the guest program that the profile is of"


def guest_image(data: Buffer, name: str) -> GuestImage:
    """The program in a file.

    Args:
        data: the file.
        name: its name, for messages.

    Raises:
        FileFormatError: it is not an x86-64 ELF file, damaged, or has no code.
    """
    try:
        header = elf.file_header(data, name)
        headers, _ = elf.program_headers(data, header, name)
    except FileFormatError as error:
        raise FileFormatError(error.message, _NEXT_STEP) from None
    if header.machine != elf.EM_X86_64:
        raise FileFormatError(f"{name} is a program for machine {header.machine}", _NEXT_STEP)
    code = [
        one for one in headers if one.type == elf.PT_LOAD and one.flags & elf.PF_X and one.file_size
    ]
    if not code:
        raise FileFormatError(f"{name} has no code", _NEXT_STEP)
    if max(one.offset + one.file_size for one in code) > len(data):
        raise FileFormatError(
            f"{name} is cut off: it ends within its code", "copy it again, completely"
        )
    if sum(one.file_size for one in code) > len(data):
        raise FileFormatError(f"{name} is damaged: its segments are longer than it", _NEXT_STEP)
    image = GuestImage(
        tuple(
            CodeSegment(one.address, one.offset, data[one.offset : one.offset + one.file_size])
            for one in code
        )
    )
    starts = {at for at in _functions(data, header) if image.segment_at(at) is not None}
    build_id = elf.file_build_id(data, headers).hex()
    return GuestImage(image.segments, tuple(sorted(starts)), build_id, header.type == elf.ET_DYN)


def _functions(data: Buffer, header: FileHeader) -> Iterator[int]:
    """Addresses of its functions' symbols: a help, so that what is damaged is left out."""
    for section in elf.sections(data, header):
        if section.type not in (elf.SHT_SYMTAB, elf.SHT_DYNSYM):
            continue
        end = section.offset + min(section.size, _MOST_SYMBOLS * elf.SYMBOL.size)
        for _, info, _, index, value, _ in elf.symbols_in(data[section.offset : end]):
            if info & 0xF == elf.STT_FUNC and index:
                yield value
