"""Call frame information: which entry is of a PC, in .eh_frame or .debug_frame.

Entries are read one by one: the header's table in .eh_frame_hdr is searched, the rest of the
section stays unread. Sources: DWARF 5, 6.4.1 "Structure of Call Frame Information"; LSB Core 10.6
"Exception Frames" (.eh_frame, .eh_frame_hdr).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property

from mtedbg.dataclass import dataclass
from mtedbg.formats.buffer import Read
from mtedbg.formats.dwarf.cursor import OMIT, WORD, Cursor, DamagedError
from mtedbg.model.absent import Absent, Reason

MOST_ENTRIES = 1 << 17
"""Entries that are looked at where there is no table to search."""
_MOST_BYTES = 1 << 16
"""Bytes of one entry."""
_MOST_TABLE = 1 << 24
_WHOLE_TABLE = 1 << 18
"""Bytes of a table that is read at once."""
_HEADER_SIZE = 64
"""Bytes that the header of .eh_frame_hdr takes at most, with its pointers."""
_SORTED = frozenset((0x3B, 0x1B, 0x0B, 0x03))
"""Encodings of tables that can be searched: four bytes an address."""
_EXTENDED = 0xFFFFFFFF
_ABSOLUTE, _DATA_RELATIVE = 0, 0x3B
_PAIR = struct.Struct("<ii")
_VERSIONS = frozenset((1, 3, 4))


@dataclass(frozen=True, slots=True)
class Common:
    """What entries have in common (CIE).

    Attributes:
        code_factor: what advances are multiplied by.
        data_factor: what offsets are multiplied by.
        return_register: the column of the return address.
        encoding: of pointers in its entries.
        has_data: whether its entries have augmentation data.
        is_signal_frame: whether the PC of such a frame is of an instruction that was interrupted.
        program: initial instructions.
    """

    code_factor: int
    data_factor: int
    return_register: int
    encoding: int
    has_data: bool
    is_signal_frame: bool
    program: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """The call frame information of a stretch of code (FDE).

    Attributes:
        common: of it and others.
        begin: first address.
        end: one past the last.
        program: its instructions.
        source: the section it was found in.
    """

    common: Common
    begin: int
    end: int
    program: bytes
    source: str = ".eh_frame"


@dataclass(frozen=True, slots=True)
class _Raw:
    """An entry that was not read any further than its length and its kind."""

    address: int
    size: int
    cursor: Cursor
    common: int | None
    """Address of its common entry; None where it is one itself."""


class FrameSection:
    """One section of entries.

    Args:
        read: reads it, by addresses.
        start: its first address.
        size: its bytes, or where its end marks itself, no more than this.
        is_eh: whether it is .eh_frame, not .debug_frame.
    """

    def __init__(self, read: Read, start: int, size: int, *, is_eh: bool = True) -> None:
        self._read = read
        self._start = start
        self._size = size
        self._is_eh = is_eh
        self._commons: dict[int, Common] = {}
        self._index: list[tuple[int, int, int]] | None = None

    def entry_at(self, address: int) -> Entry:
        """The entry that begins at `address`.

        Raises:
            DamagedError: it is none.
        """
        raw = self._raw(address)
        if raw is None or raw.common is None:
            raise DamagedError("no call frame information is where the table says")
        common = self._common(raw.common)
        cursor = raw.cursor
        begin = cursor.pointer(common.encoding, raw.address)
        # The length has the form of the address, and is relative to nothing.
        length = cursor.pointer(common.encoding & 0x07, raw.address)
        if common.has_data:
            cursor.take(cursor.uleb())
        source = ".eh_frame" if self._is_eh else ".debug_frame"
        return Entry(common, begin, begin + length, cursor.take(cursor.end - cursor.at), source)

    def search(self, pc: int) -> Entry | None:
        """The entry of `pc`, by looking at every one: where no table tells.

        Raises:
            DamagedError: the section is none.
        """
        if self._index is None:
            self._index = sorted(self._all())
        for begin, end, address in self._index:
            if begin <= pc < end:
                return self.entry_at(address)
        return None

    def _all(self) -> Iterator[tuple[int, int, int]]:
        address, end = self._start, self._start + self._size
        for _ in range(MOST_ENTRIES):
            if address >= end:
                return
            try:
                raw = self._raw(address)
                if raw is None:
                    return
                if raw.common is not None:
                    common = self._common(raw.common)
                    begin = raw.cursor.pointer(common.encoding, raw.address)
                    length = raw.cursor.pointer(common.encoding & 0x07, raw.address)
                    yield begin, begin + length, address
            except DamagedError:
                return
            address += raw.size

    def _raw(self, address: int) -> _Raw | None:
        """The entry at `address`; None where the section ends there."""
        head = self._bytes(address, 4)
        length, width = int.from_bytes(head, "little"), 4
        if length == _EXTENDED:
            length, width = int.from_bytes(self._bytes(address + 4, 8), "little"), 8
        if length == 0:
            return None
        prefix = 4 if width == 4 else 12
        if not width <= length <= _MOST_BYTES:
            raise DamagedError(f"call frame information of {length} bytes")
        data = self._bytes(address + prefix, length)
        cursor = Cursor(data)
        # In .eh_frame the reference to the common entry has four bytes always (LSB 10.6.1.2).
        at = cursor.number(4 if self._is_eh else width)
        common: int | None
        if self._is_eh:
            common = address + prefix - at if at else None
        else:
            common = None if at == (1 << 8 * width) - 1 else self._start + at
        return _Raw(address + prefix, prefix + length, cursor, common)

    def _bytes(self, address: int, size: int) -> bytes:
        if not self._start <= address <= address + size <= self._start + self._size:
            raise DamagedError("call frame information points out of its section")
        found = self._read(address, size)
        if isinstance(found, Absent):
            raise UnreadableError(found)
        return found

    def _common(self, address: int) -> Common:
        if address not in self._commons:
            raw = self._raw(address)
            if raw is None or raw.common is not None:
                raise DamagedError("call frame information has no common entry")
            self._commons[address] = _common_in(raw.cursor, raw.address)
        return self._commons[address]


class UnreadableError(DamagedError):
    """Call frame information that is not in this core, and not in a file."""

    def __init__(self, why: Absent) -> None:
        super().__init__(str(why))
        self.why = why


def _common_in(cursor: Cursor, here: int) -> Common:
    """A common entry, after its mark."""
    version = cursor.byte()
    if version not in _VERSIONS:
        raise DamagedError(f"call frame information of version {version}")
    augmentation = cursor.string()
    if version == 4 and (cursor.byte(), cursor.byte()) != (8, 0):
        raise DamagedError("call frame information of another address size")
    code_factor, data_factor = cursor.uleb(), cursor.sleb()
    return_register = cursor.byte() if version == 1 else cursor.uleb()
    encoding, is_signal_frame = _ABSOLUTE, False
    if augmentation.startswith(b"z"):
        stop = cursor.uleb() + cursor.at
        for letter in augmentation[1:]:
            if letter == ord("R"):
                encoding = cursor.byte()
            elif letter == ord("P"):
                cursor.pointer(cursor.byte() & 0x7F, here)
            elif letter == ord("L"):
                cursor.byte()
            elif letter == ord("S"):
                is_signal_frame = True
            elif letter not in b"BG":  # keys of pointer authentication, tagged frames
                break
        if stop > cursor.end:
            raise DamagedError("call frame information ends within its augmentation")
        cursor.at = stop
    elif augmentation:
        raise DamagedError("call frame information of an unknown augmentation")
    if encoding == OMIT:
        raise DamagedError("call frame information without addresses")
    program = cursor.take(cursor.end - cursor.at)
    has_data = augmentation.startswith(b"z")
    return Common(
        code_factor, data_factor, return_register, encoding, has_data, is_signal_frame, program
    )


class FrameTable:
    """.eh_frame, with the table of .eh_frame_hdr that finds an entry by its address.

    Args:
        read: reads the image.
        start: address of .eh_frame_hdr (PT_GNU_EH_FRAME).
        size: its bytes.
        span: first address of the image, and one past its last.

    Raises:
        DamagedError: it is none.
    """

    def __init__(self, read: Read, start: int, size: int, span: tuple[int, int]) -> None:
        self._read = read
        self._start = start
        head = read(start, min(size, _HEADER_SIZE))
        if isinstance(head, Absent):
            raise UnreadableError(head)
        cursor = Cursor(head)
        if cursor.byte() != 1:
            raise DamagedError("an .eh_frame_hdr of an unknown version")
        frames, count, table = cursor.byte(), cursor.byte(), cursor.byte()
        if frames == OMIT:
            raise DamagedError("an .eh_frame_hdr without .eh_frame")
        section = cursor.pointer(frames, start, start)
        self._encoding = table
        self._count = 0
        if OMIT not in (count, table):
            self._count = cursor.pointer(count, start, start)
        self._table = start + cursor.at
        fits = min(size - cursor.at, _MOST_TABLE) // 8
        if self._count > fits or table not in _SORTED:
            self._count = 0
        low, high = span
        if not low <= section < high:
            raise DamagedError("an .eh_frame_hdr points out of its image")
        self._section = FrameSection(read, low, high - low)
        self._whole = FrameSection(read, section, high - section)

    def find(self, pc: int) -> Entry | Absent:
        """The entry of `pc`; absent with `NOT_APPLICABLE` where there is none.

        Raises:
            DamagedError: the tables cannot be what they say they are.
        """
        found = self._at(pc) if self._count else self._whole.search(pc)
        if found is None or not found.begin <= pc < found.end:
            return Absent(Reason.NOT_APPLICABLE, "no call frame information")
        return found

    def _at(self, pc: int) -> Entry | None:
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._row(middle)[0] <= pc:
                low = middle + 1
            else:
                high = middle
        return self._section.entry_at(self._row(low - 1)[1]) if low else None

    @cached_property
    def _rows(self) -> bytes:
        """The table, where it is small enough to be read at once; else nothing."""
        size = 8 * self._count
        data = self._read(self._table, size) if size <= _WHOLE_TABLE else b""
        return b"" if isinstance(data, Absent) else data

    def _row(self, number: int) -> tuple[int, int]:
        here = self._table + 8 * number
        data = self._rows[8 * number : 8 * number + 8] or self._read(here, 8)
        if isinstance(data, Absent):
            raise UnreadableError(data)
        if self._encoding == _DATA_RELATIVE:
            begin, entry = _PAIR.unpack(data)
            return begin + self._start & WORD, entry + self._start & WORD
        cursor, encoding = Cursor(data), self._encoding
        return (
            cursor.pointer(encoding, here, self._start),
            cursor.pointer(encoding, here, self._start),
        )
