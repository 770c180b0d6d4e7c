"""What a core is made of, whichever format it has: notes, memory, and tags."""

from __future__ import annotations

from mtedbg.dataclass import dataclass
from mtedbg.formats import elf
from mtedbg.formats.buffer import Buffer
from mtedbg.formats.core_notes import CoreNotes, Notes
from mtedbg.formats.elf import ProgramHeader
from mtedbg.formats.minidump import is_minidump, read_minidump
from mtedbg.model.pointer import GRANULE


@dataclass(frozen=True, slots=True)
class Parts:
    """Memory and tags as program headers have them."""

    notes: Notes
    memory: list[ProgramHeader]
    tags: list[ProgramHeader]


def parts_of(data: Buffer, name: str, remarks: list[str]) -> Parts:
    """The parts of a core.

    Args:
        data: the file.
        name: its name, for messages.
        remarks: gets one line for each kind of damage.

    Raises:
        FileFormatError: it is not a core of AArch64, or nothing can be read of it.
    """
    if is_minidump(data):
        notes, memory = read_minidump(data, name, remarks)
        return Parts(notes, memory, [])
    header = elf.core_header(data, name)
    headers, promised = elf.program_headers(data, header, name)
    if len(headers) == elf.MAX_HEADERS < promised:
        remarks.append(f"of {promised} program headers the first {len(headers)} are read")
    elif len(headers) < promised:
        remarks.append(
            f"the file is truncated: it has {len(headers)} of {promised} program headers"
        )
    of_type: dict[int, list[ProgramHeader]] = {}
    for one in headers:
        of_type.setdefault(one.type, []).append(one)
    return Parts(
        CoreNotes(data, of_type.get(elf.PT_NOTE, []), remarks),
        of_type.get(elf.PT_LOAD, []),
        [h for h in of_type.get(elf.PT_AARCH64_MEMTAG_MTE, []) if _is_sound(h, remarks)],
    )


def _is_sound(header: ProgramHeader, remarks: list[str]) -> bool:
    """Whether a tag segment is made of granules."""
    if (header.address | header.memory_size) % GRANULE:
        remarks.append(
            f"the tag segment at {header.address:#x} is not made of whole granules: ignored"
        )
        return False
    expected = (header.memory_size // GRANULE + 1) // 2
    if header.file_size not in (0, expected):
        remarks.append(
            f"the tag segment at {header.address:#x} has {header.file_size} bytes of tags,"
            f" not {expected}"
        )
    return True
