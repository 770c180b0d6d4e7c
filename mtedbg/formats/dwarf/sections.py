"""The sections of an ELF file that debug information is in, unpacked where they are compressed.

Source: gABI chapter 4 "Sections", "Section Compression"; `.zdebug_…`: GNU as, before gABI had it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import cached_property

from mtedbg.dataclass import dataclass
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.formats.buffer import Buffer, text
from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.formats.elf import Section
from mtedbg.formats.packed import MOST_WINDOW

MOST_UNPACKED = 1 << 30
"""Bytes that one compressed section may have."""
MOST_RATIO = 1100
"""What zlib can compress at most, and zstd does of real debug information."""
_SHF_COMPRESSED = 0x800
_ZLIB, _ZSTD = 1, 2
_COMPRESSED = struct.Struct("<IIQQ")
_MAX_NAME = 64
_MAX_STRING = 4096
_MOST = 1 << 20
_NO_BYTES = 8
"""SHT_NOBITS: a section without bytes in the file."""


@dataclass(frozen=True, slots=True)
class View:
    """A section that stays in its file, of which parts are read."""

    data: Buffer
    start: int
    size: int

    def part(self, start: int, end: int) -> bytes:
        """The bytes [start, end) of the section, fewer where it ends before."""
        end = min(end, self.size)
        return self.data[self.start + start : self.start + end] if 0 <= start < end else b""

    def string(self, at: int) -> str:
        """The string that begins `at` bytes into the section; empty where none does."""
        return text(self.part(at, at + _MAX_STRING))


class DebugSections:
    """The sections of one file by name.

    Args:
        data: the file.
        name: of it, for messages.

    Raises:
        FileFormatError: it is no 64-bit little-endian ELF file.
    """

    def __init__(self, data: Buffer, name: str) -> None:
        self._data = data
        self._header = elf.file_header(data, name)
        self._views: dict[str, View] = {}

    @cached_property
    def _named(self) -> dict[str, Section]:
        return dict(self._names())

    def _names(self) -> Iterator[tuple[str, Section]]:
        start, count = self._header.sections, self._header.section_count
        raw = self._data[start : start + count * elf.SECTION_HEADER.size]
        if self._header.section_size != elf.SECTION_HEADER.size or not start:
            return
        table = elf.sections_in(raw)
        index = int.from_bytes(self._data[62:64], "little")  # e_shstrndx
        if index >= len(table):
            return
        names = self._data[
            table[index].offset : table[index].offset + min(table[index].size, _MOST)
        ]
        for number, section in enumerate(table):
            at = int.from_bytes(raw[number * elf.SECTION_HEADER.size :][:4], "little")
            if at < len(names) and section.type != _NO_BYTES:
                yield text(names[at : at + _MAX_NAME]), section

    def address(self, name: str) -> int:
        """Where in memory a section is, by the file; 0 where it is in none."""
        found = self._named.get(name)
        return found.address if found else 0

    def __contains__(self, name: str) -> bool:
        return name in self._named or f".z{name[1:]}" in self._named

    def view(self, name: str) -> View:
        """A section; of no bytes where the file has no such section.

        Raises:
            DamagedError: it is compressed, and cannot be unpacked.
        """
        if name not in self._views:
            self._views[name] = self._view(name)
        return self._views[name]

    def whole(self, name: str) -> bytes:
        """All of a section.

        Raises:
            DamagedError: it is compressed, and cannot be unpacked.
        """
        view = self.view(name)
        return view.part(0, view.size)

    def _view(self, name: str) -> View:
        section = self._named.get(name)
        if section is None:
            old = self._named.get(f".z{name[1:]}")
            data = _old_unpacked(self._raw(old)) if old else b""
            return View(data, 0, len(data))
        if section.flags & _SHF_COMPRESSED:
            data = _unpacked(self._raw(section))
            return View(data, 0, len(data))
        size = max(min(section.size, len(self._data) - section.offset), 0)
        return View(self._data, section.offset, size)

    def _raw(self, section: Section) -> bytes:
        return self._data[section.offset : section.offset + section.size]


def _unpacked(raw: bytes) -> bytes:
    if len(raw) < _COMPRESSED.size:
        raise DamagedError("a compressed section ends within its header")
    kind, _, size, _ = _COMPRESSED.unpack_from(raw)
    body = raw[_COMPRESSED.size :]
    if kind == _ZLIB:
        return _inflated(body, size)
    if kind == _ZSTD:
        return _zstd(body, size)
    raise DamagedError(f"a section is compressed in way {kind}, which is not known")


def _old_unpacked(raw: bytes) -> bytes:
    if not raw.startswith(b"ZLIB") or len(raw) < 12:
        raise DamagedError("a .zdebug section is not compressed with zlib")
    return _inflated(raw[12:], int.from_bytes(raw[4:12], "big"))


def _inflated(body: bytes, size: int) -> bytes:
    _check(body, size)
    try:
        data = zlib.decompressobj().decompress(body, size)
    except zlib.error:
        raise DamagedError("a compressed section cannot be unpacked") from None
    if len(data) != size:
        raise DamagedError("a compressed section has not the size that it says")
    return data


def _zstd(body: bytes, size: int) -> bytes:
    _check(body, size)
    try:
        import zstandard
    except ImportError:  # a debugger's own Python may not have it
        raise DamagedError("a section is compressed with zstd, whose library is not here") from None
    try:
        made = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
        data: bytes = made.stream_reader(body).read(size)
    except zstandard.ZstdError:
        raise DamagedError("a compressed section cannot be unpacked") from None
    if len(data) != size:
        raise DamagedError("a compressed section has not the size that it says")
    return data


def _check(body: bytes, size: int) -> None:
    if not 0 < size <= min(MOST_UNPACKED, len(body) * MOST_RATIO + 1024):
        raise DamagedError(f"a compressed section says that it has {size} bytes")


def sections_of(data: Buffer, name: str) -> DebugSections | None:
    """The sections of a file, or None where it is no ELF file of 64 bits."""
    try:
        return DebugSections(data, name)
    except FileFormatError:
        return None
