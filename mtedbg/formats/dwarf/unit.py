"""One unit of .debug_info: its header, its entries, and what their attributes refer to.

Source: DWARF 5, 7.5.1 "Unit Headers", 7.26 to 7.28 (string offsets, addresses, range lists);
DWARF 4, 2.17.3 (.debug_ranges).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from mtedbg.dataclass import dataclass
from mtedbg.formats.dwarf.cursor import WORD, Cursor, DamagedError
from mtedbg.formats.dwarf.forms import Abbreviation, At, Value, abbreviations, value_of
from mtedbg.formats.dwarf.sections import DebugSections

MOST_BYTES = 1 << 26
"""Bytes of a unit that is read."""
_MOST_ABBREVIATIONS = 1 << 20
_MOST_RANGES = 1 << 14
_EXTENDED = 0xFFFFFFFF
_HIGHEST = 0xFFFFFFF0
_ADDRESS = 8
_ADDRX = frozenset((0x1B, 0x29, 0x2A, 0x2B, 0x2C, 0x1F01))
_STRX = frozenset((0x1A, 0x25, 0x26, 0x27, 0x28, 0x1F02))
_STRP, _LINE_STRP, _STRING, _SEC_OFFSET, _RNGLISTX = 0x0E, 0x1F, 0x08, 0x17, 0x23
_LOCAL_REFERENCES = frozenset((0x11, 0x12, 0x13, 0x14, 0x15))
_REF_ADDR = 0x10
_ADDR = 0x01
_COMPILE, _PARTIAL, _SKELETON, _TYPE, _SPLIT_TYPE = 1, 3, 4, 2, 6

Ranges = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class UnitHeader:
    """Where a unit is.

    Attributes:
        offset: of its header, in .debug_info.
        end: one past its last byte.
        first: of its first entry.
        version: 2 to 5.
        offset_size: 4 or 8.
        abbreviations: where its abbreviations are.
    """

    offset: int
    end: int
    first: int
    version: int
    offset_size: int
    abbreviations: int


def header_at(sections: DebugSections, offset: int) -> UnitHeader:
    """The header of the unit at `offset`.

    Raises:
        DamagedError: none is there.
    """
    view = sections.view(".debug_info")
    cursor = Cursor(view.part(offset, offset + 48))
    length, offset_size = cursor.number(4), 4
    if length == _EXTENDED:
        length, offset_size = cursor.number(8), 8
    elif length >= _HIGHEST:
        raise DamagedError("a unit has a reserved length")
    end = offset + cursor.at + length
    version = cursor.number(2)
    if not 2 <= version <= 5 or length < 7 or end > view.size:
        raise DamagedError(f"a unit of DWARF version {version}, of {length} bytes")
    if version == 5:
        kind, address_size = cursor.byte(), cursor.byte()
        table = cursor.number(offset_size)
        cursor.at += {_SKELETON: 8, 5: 8, _TYPE: 8 + offset_size, _SPLIT_TYPE: 8 + offset_size}.get(
            kind, 0
        )
    else:
        table, address_size = cursor.number(offset_size), cursor.byte()
    if address_size != _ADDRESS:
        raise DamagedError(f"a unit with addresses of {address_size} bytes")
    return UnitHeader(offset, end, offset + cursor.at, version, offset_size, table)


class Unit:
    """One unit.

    Args:
        sections: of its file.
        header: where it is.
    """

    def __init__(self, sections: DebugSections, header: UnitHeader) -> None:
        self.sections = sections
        self.header = header
        if header.end - header.offset > MOST_BYTES:
            raise DamagedError("a unit is too large to be read")

    @cached_property
    def data(self) -> bytes:
        """Its bytes, the header's included."""
        return self.sections.view(".debug_info").part(self.header.offset, self.header.end)

    @cached_property
    def abbreviations(self) -> Mapping[int, Abbreviation]:
        """The forms of its entries."""
        start = self.header.abbreviations
        view = self.sections.view(".debug_abbrev")
        return abbreviations(view.part(start, start + _MOST_ABBREVIATIONS), self.header.offset_size)

    @property
    def first(self) -> int:
        """Of its first entry, in its bytes."""
        return self.header.first - self.header.offset

    def entry(self, at: int) -> tuple[Abbreviation, dict[int, Value], int]:
        """The entry at `at` of the unit's bytes, its attributes, and where they end.

        Raises:
            DamagedError: none is there.
        """
        if not self.first <= at < len(self.data):
            raise DamagedError("a reference leads out of its unit")
        cursor = Cursor(self.data, at)
        form = self.abbreviations.get(cursor.uleb())
        if form is None:
            raise DamagedError("an entry has an unknown abbreviation")
        size = self.header.offset_size
        return form, {one.attribute: value_of(cursor, one, size) for one in form.specs}, cursor.at

    @cached_property
    def top(self) -> dict[int, Value]:
        """The attributes of the unit's own entry."""
        return self.entry(self.first)[1]

    @cached_property
    def low(self) -> int:
        """The address that ranges count from."""
        value = self.top.get(At.LOW_PC)
        return self.address(value) if value else 0

    def _base(self, *attributes: At) -> int:
        """Where its part of a section begins that it refers to by number."""
        for attribute in attributes:
            if attribute in self.top:
                return self.top[attribute].number
        return 2 * self.header.offset_size if self.header.version >= 5 else 0

    def address(self, value: Value) -> int:
        """The address that an attribute has."""
        if value.form == _ADDR:
            return value.number
        if value.form in _ADDRX:
            return self.address_number(value.number)
        raise DamagedError("an attribute is no address")

    def address_number(self, number: int) -> int:
        """An address of .debug_addr."""
        at = self._base(At.ADDR_BASE, At.GNU_ADDR_BASE) + number * _ADDRESS
        raw = self.sections.view(".debug_addr").part(at, at + _ADDRESS)
        if len(raw) < _ADDRESS:
            raise DamagedError("a number of an address that is not there")
        return int.from_bytes(raw, "little")

    def text(self, value: Value | None) -> str:
        """The string that an attribute has; empty where it is in another file."""
        if value is None:
            return ""
        if value.form == _STRING:
            return value.data.decode("utf-8", "surrogateescape")
        if value.form == _STRP:
            return self.sections.view(".debug_str").string(value.number)
        if value.form == _LINE_STRP:
            return self.sections.view(".debug_line_str").string(value.number)
        if value.form in _STRX:
            size = self.header.offset_size
            at = self._base(At.STR_OFFSETS_BASE) + value.number * size
            raw = self.sections.view(".debug_str_offsets").part(at, at + size)
            return self.sections.view(".debug_str").string(int.from_bytes(raw, "little"))
        return ""

    def reference(self, value: Value | None) -> int | None:
        """Where in .debug_info a reference leads; None where it is none, or to another file."""
        if value is None:
            return None
        if value.form in _LOCAL_REFERENCES:
            return self.header.offset + value.number
        return value.number if value.form == _REF_ADDR else None

    def ranges(self, entry: Mapping[int, Value]) -> Ranges:
        """The addresses of an entry; none where it has none.

        Raises:
            DamagedError: they cannot be what they should be.
        """
        listed = entry.get(At.RANGES)
        if listed is not None:
            if self.header.version >= 5:
                return list(self._listed(listed))
            return list(self._old_listed(listed.number))
        low, high = entry.get(At.LOW_PC), entry.get(At.HIGH_PC)
        if low is None or high is None:
            return []
        start = self.address(low)
        is_address = high.form == _ADDR or high.form in _ADDRX
        end = self.address(high) if is_address else start + high.number
        return [(start, end)] if start < end else []

    def _old_listed(self, offset: int) -> Iterator[tuple[int, int]]:
        """.debug_ranges of DWARF 2 to 4."""
        offset += self.top[At.GNU_RANGES_BASE].number if At.GNU_RANGES_BASE in self.top else 0
        base, view = self.low, self.sections.view(".debug_ranges")
        for at in range(offset, offset + 16 * _MOST_RANGES, 16):
            cursor = Cursor(view.part(at, at + 16))
            start, end = cursor.number(8), cursor.number(8)
            if start == end == 0:
                return
            if start == WORD:
                base = end
            elif start < end:
                yield base + start, base + end
        raise DamagedError("a list of ranges without an end")

    def _listed(self, value: Value) -> Iterator[tuple[int, int]]:
        """.debug_rnglists of DWARF 5."""
        view = self.sections.view(".debug_rnglists")
        at = value.number
        if value.form == _RNGLISTX:
            size = self.header.offset_size
            base = self._list_base()
            raw = view.part(base + at * size, base + (at + 1) * size)
            at = base + int.from_bytes(raw, "little")
        cursor, base = Cursor(view.part(at, at + 20 * _MOST_RANGES)), self.low
        for _ in range(_MOST_RANGES):
            kind = cursor.byte()
            if kind == 0:  # DW_RLE_end_of_list
                return
            start = end = 0
            match kind:
                case 1:  # DW_RLE_base_addressx
                    base = self.address_number(cursor.uleb())
                case 2:  # DW_RLE_startx_endx
                    start = self.address_number(cursor.uleb())
                    end = self.address_number(cursor.uleb())
                case 3:  # DW_RLE_startx_length
                    start = self.address_number(cursor.uleb())
                    end = start + cursor.uleb()
                case 4:  # DW_RLE_offset_pair
                    start, end = base + cursor.uleb(), base + cursor.uleb()
                case 5:  # DW_RLE_base_address
                    base = cursor.number(_ADDRESS)
                case 6:  # DW_RLE_start_end
                    start, end = cursor.number(_ADDRESS), cursor.number(_ADDRESS)
                case 7:  # DW_RLE_start_length
                    start = cursor.number(_ADDRESS)
                    end = start + cursor.uleb()
                case _:
                    raise DamagedError(f"a list of ranges with an entry of kind {kind}")
            if start < end:
                yield start, end
        raise DamagedError("a list of ranges without an end")

    def _list_base(self) -> int:
        if At.RNGLISTS_BASE in self.top:
            return self.top[At.RNGLISTS_BASE].number
        return 12 if self.header.offset_size == 4 else 20
