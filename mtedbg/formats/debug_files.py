"""What a program or library says of where its symbols are.

Sources: GDB manual, "Debugging Information in Separate Files" (.gnu_debuglink, its CRC), "Debugging
information in a special section" (.gnu_debugdata: an ELF file compressed with xz).
"""

from __future__ import annotations

import zlib

from mtedbg.dataclass import dataclass
from mtedbg.formats.buffer import Buffer
from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.formats.dwarf.sections import sections_of

MOST_UNPACKED = 1 << 26
"""Bytes of symbols that are unpacked."""
_MEMORY = 1 << 27
"""Bytes that xz may take."""
_MOST_LINK = 4096
_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class DebugLink:
    """The file with the symbols of a stripped one.

    Attributes:
        name: without folders.
        crc: of all its bytes.
    """

    name: str
    crc: int


def debug_link(data: Buffer, path: str) -> DebugLink | None:
    """What .gnu_debuglink of a file says; None where it has none.

    Args:
        data: the file.
        path: of it, for messages.
    """
    sections = sections_of(data, path)
    try:
        raw = b"" if sections is None else sections.view(".gnu_debuglink").part(0, _MOST_LINK)
    except DamagedError:
        return None
    name, zero, _ = raw.partition(b"\0")
    at = (len(name) + 4) // 4 * 4
    if not name or not zero or at + 4 > len(raw):
        return None
    return DebugLink(
        name.decode("utf-8", "surrogateescape"), int.from_bytes(raw[at : at + 4], "little")
    )


def crc32_of(data: Buffer) -> int:
    """The CRC that a debug link has of a file."""
    found = 0
    for start in range(0, len(data), _PART):
        found = zlib.crc32(data[start : start + _PART], found)
    return found


def mini_debug_info(data: Buffer, path: str) -> bytes:
    """The ELF file that is packed into another one; nothing where there is none.

    Args:
        data: the file.
        path: of it, for messages.
    """
    sections = sections_of(data, path)
    if sections is None or ".gnu_debugdata" not in sections:
        return b""
    from lzma import LZMADecompressor, LZMAError

    try:
        made = LZMADecompressor(memlimit=_MEMORY)
        found = made.decompress(sections.whole(".gnu_debugdata"), MOST_UNPACKED)
    except (LZMAError, DamagedError, EOFError):
        return b""
    return found if made.eof and sections_of(found, path) is not None else b""


def has_debug_info(data: Buffer, path: str) -> bool:
    """Whether a file has lines and functions, and not symbols alone."""
    sections = sections_of(data, path)
    return sections is not None and ".debug_info" in sections
