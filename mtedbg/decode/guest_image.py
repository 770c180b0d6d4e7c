"""A guest program's ELF file: its code, where that is in the file, and where functions begin.

Source: System V gABI, chapters 4 (sections, symbols) and 5 (program headers).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from mtedbg.errors import FileFormatError

_FILE = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_IDENTITY = b"\x7fELF\x02\x01"
_EM_X86_64 = 62
_PT_LOAD, _PF_X = 1, 1
_SHT_SYMTAB, _SHT_DYNSYM, _STT_FUNC = 2, 11, 2
_MOST_HEADERS = 1 << 12
_MOST_SYMBOLS = 1 << 20


@dataclass(frozen=True, slots=True)
class CodeSegment:
    """An executable segment.

    Attributes:
        address: guest address of its first byte.
        offset: of that byte in the file.
        code: its bytes, those that are in the file.
    """

    address: int
    offset: int
    code: memoryview

    @property
    def end(self) -> int:
        """One past its last byte in the file."""
        return self.address + len(self.code)


@dataclass(frozen=True, slots=True)
class GuestImage:
    """A guest program.

    Attributes:
        segments: its code.
        functions: where functions begin, sorted; empty where it is stripped.
    """

    segments: tuple[CodeSegment, ...]
    functions: tuple[int, ...]

    @property
    def digest(self) -> int:
        """Of its code, as profiles name it: `digest_of` in native/src/run/module.cc.

        CRC-32 and length of all executable segments, each behind its address.
        """
        sum_, length = 0, 0
        for segment in self.segments:
            sum_ = zlib.crc32(segment.code, zlib.crc32(struct.pack("<Q", segment.address), sum_))
            length += 8 + len(segment.code)
        return (length << 32 | sum_) & (1 << 64) - 1

    def segment_at(self, address: int) -> CodeSegment | None:
        """The segment whose bytes hold `address`."""
        return next((one for one in self.segments if one.address <= address < one.end), None)


def guest_image(data: memoryview, name: str) -> GuestImage:
    """The program in a file.

    Args:
        data: the file's bytes.
        name: of the file, for messages.

    Raises:
        FileFormatError: it is no x86-64 ELF file, damaged, or has no code.
    """
    if len(data) < _FILE.size or bytes(data[:6]) != _IDENTITY:
        raise FileFormatError(f"{name} is no 64-bit ELF file", _NEXT_STEP)
    header = _FILE.unpack_from(data)
    if header[2] != _EM_X86_64:
        raise FileFormatError(f"{name} is a program for machine {header[2]}", _NEXT_STEP)
    segments = tuple(_segments(data, header, name))
    if not segments:
        raise FileFormatError(f"{name} has no code", _NEXT_STEP)
    if sum(len(one.code) for one in segments) > len(data):
        raise FileFormatError(f"{name} is damaged: its segments are longer than it", _NEXT_STEP)
    image = GuestImage(segments, ())
    starts = sorted({at for at in _functions(data, header) if image.segment_at(at) is not None})
    return GuestImage(segments, tuple(starts))


_NEXT_STEP = "give the guest program that the profile is of"


def _slice(data: memoryview, offset: int, size: int, name: str) -> memoryview:
    if offset + size > len(data):
        raise FileFormatError(f"{name} is cut off: it ends before its byte {offset + size}", "")
    return data[offset : offset + size]


def _segments(data: memoryview, header: tuple[int, ...], name: str) -> Iterator[CodeSegment]:
    offset, size, count = header[5], header[9], header[10]
    if count and (size != _PROGRAM.size or count > _MOST_HEADERS):
        raise FileFormatError(f"{name} has {count} program headers of {size} bytes", _NEXT_STEP)
    for fields in _PROGRAM.iter_unpack(_slice(data, offset, count * _PROGRAM.size, name)):
        kind, flags, at, address, _, in_file = fields[:6]
        if kind == _PT_LOAD and flags & _PF_X and in_file:
            yield CodeSegment(address, at, _slice(data, at, in_file, name))


def _functions(data: memoryview, header: tuple[int, ...]) -> Iterator[int]:
    """Addresses of its functions' symbols: a help, so that what is damaged is left out."""
    offset, size, count = header[6], header[11], header[12]
    if not offset or size != _SECTION.size or offset + count * size > len(data):
        return
    for fields in _SECTION.iter_unpack(data[offset : offset + count * size]):
        at, length = fields[4], fields[5]
        if fields[1] not in (_SHT_SYMTAB, _SHT_DYNSYM) or at + length > len(data):
            continue
        symbols = min(length // _SYMBOL.size, _MOST_SYMBOLS)
        for _, info, _, index, value, _ in _SYMBOL.iter_unpack(
            data[at : at + symbols * _SYMBOL.size]
        ):
            if info & 0xF == _STT_FUNC and index:
                yield value
