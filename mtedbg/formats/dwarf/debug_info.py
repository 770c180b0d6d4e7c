"""Debug information of one file: what it says of an address.

Units are found by .debug_aranges, and those that it does not list by their own entries' addresses;
of a unit's lines and functions nothing is read before an address of it is asked for.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from mtedbg.errors import FileFormatError
from mtedbg.formats.dwarf.cursor import Cursor, DamagedError
from mtedbg.formats.dwarf.forms import At, Value
from mtedbg.formats.dwarf.functions import Functions, origins, scope
from mtedbg.formats.dwarf.lines import LineTable
from mtedbg.formats.dwarf.sections import DebugSections
from mtedbg.formats.dwarf.unit import Unit, header_at
from mtedbg.model.buffer import Buffer
from mtedbg.model.source import InlinedCall, SourceLine, SourcePlace

if TYPE_CHECKING:
    from mtedbg.formats.dwarf.variables import StackVariables

MOST_UNITS = 1 << 16
MOST_REMARKS = 8
_MOST_PLACES = 1 << 14
"""Answers that are kept."""
_CPP = frozenset((0x04, 0x1A, 0x21, 0x2B, 0x3A))
"""Languages with namespaces: C++ 98, 11, 14, 17, 20 (DWARF 5, 7.12)."""
_MOST_RANGES = 1 << 20
_PAIR = struct.Struct("<QQ")
_EXTENDED = 0xFFFFFFFF
T = TypeVar("T")
_FAULTS = (DamagedError, FileFormatError, IndexError, ValueError, OverflowError)


class DebugInfo:
    """The debug information of a file.

    Args:
        data: the file.
        name: of it, for messages.
        demangled: makes a linkage name readable.

    Raises:
        FileFormatError: it is no ELF file.
    """

    def __init__(self, data: Buffer, name: str, demangled: Callable[[str], str]) -> None:
        self.sections = DebugSections(data, name)
        self._demangled = demangled
        self._units: dict[int, Unit | None] = {}
        self._lines: dict[int, LineTable | None] = {}
        self._functions: dict[int, Functions | None] = {}
        self._places: dict[int, SourcePlace | None] = {}
        self.remarks: list[str] = []

    @property
    def is_there(self) -> bool:
        """Whether the file has any."""
        return ".debug_info" in self.sections and ".debug_abbrev" in self.sections

    def place_at(self, address: int) -> SourcePlace | None:
        """What it says of an instruction; None where it says nothing.

        Args:
            address: as the file has it.
        """
        if address not in self._places:
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            self._places[address] = self._place_at(address)
        return self._places[address]

    def _place_at(self, address: int) -> SourcePlace | None:
        unit = self._unit_of(address)
        if unit is None:
            return None
        line = self._line(unit, address)
        try:
            functions = self._of(unit, self._functions, Functions)
            chain = functions.at(address) if functions else None
            if chain is None:
                self._say_what_is_elsewhere(unit)
                return SourcePlace("", line) if line else None
            inlined: list[InlinedCall] = []
            for entry in reversed(chain.inlined):
                inlined.append(InlinedCall(self._name(unit, entry), line))
                line = self._call_site(unit, entry)
            return SourcePlace(self._name(unit, chain.function), line, tuple(inlined))
        except _FAULTS as error:
            self._remark(error)
            return SourcePlace("", line) if line else None

    def variables_at(self, address: int) -> StackVariables | None:
        """What the function at `address` has on its stack; None where nothing is known of that.

        Args:
            address: as the file has it.
        """
        from mtedbg.formats.dwarf.variables import StackVariables, frame_base, variables_of

        unit = self._unit_of(address)
        if unit is None:
            return None
        try:
            functions = self._of(unit, self._functions, Functions)
            start = functions.entry_at(address) if functions else None
            if start is None:
                return None
            function = unit.entry(start)[1]
            found = variables_of(unit, start, self._find)
            table = self._of(unit, self._lines, _line_table)
            files = {one.file: table.file(one.file) for one in found} if table else {}
        except _FAULTS as error:
            self._remark(error)
            return None
        return StackVariables(self._name(unit, function), frame_base(function), tuple(found), files)

    def _say_what_is_elsewhere(self, unit: Unit) -> None:
        for attribute in (At.DWO_NAME, At.GNU_DWO_NAME):
            if name := unit.text(unit.top.get(attribute)):
                self._say(f"functions and inlined calls are in {name}, which is not read")

    def _line(self, unit: Unit, address: int) -> SourceLine | None:
        try:
            table = self._of(unit, self._lines, _line_table)
            return table.at(address) if table else None
        except _FAULTS as error:
            self._remark(error)
            self._lines[unit.header.offset] = None
            return None

    def _call_site(self, unit: Unit, entry: Mapping[int, Value]) -> SourceLine | None:
        table = self._of(unit, self._lines, _line_table)
        line, file = entry.get(At.CALL_LINE), entry.get(At.CALL_FILE)
        if table is None or line is None or file is None:
            return None
        name = table.file(file.number)
        return SourceLine(name, line.number) if name else None

    def _name(self, unit: Unit, entry: Mapping[int, Value]) -> str:
        known = origins(unit, entry, self._find)
        for attribute in (At.LINKAGE_NAME, At.MIPS_LINKAGE_NAME):
            for where, one, _ in known:
                if name := where.text(one.get(attribute)):
                    return self._demangled(name)
        for where, one, _ in known:
            if name := where.text(one.get(At.NAME)):
                # What is not seen outside of its unit has no linkage name.
                last, _, at = known[-1]
                language = last.top.get(At.LANGUAGE)
                is_cpp = language is not None and language.number in _CPP
                around = scope(last, at) if at and is_cpp else ""
                return f"{around}::{name}" if around else name
        return ""

    @staticmethod
    def _of(unit: Unit, kept: dict[int, T | None], make: Callable[[Unit], T | None]) -> T | None:
        key = unit.header.offset
        if key not in kept:
            kept[key] = None
            kept[key] = make(unit)
        return kept[key]

    def _remark(self, error: Exception) -> None:
        self._say(error.message if isinstance(error, FileFormatError) else "damaged")

    def _say(self, text: str) -> None:
        if text not in self.remarks and len(self.remarks) < MOST_REMARKS:
            self.remarks.append(text)

    def _unit_of(self, address: int) -> Unit | None:
        try:
            offset = self._offset_of(address)
            return None if offset is None else self._unit(offset)
        except _FAULTS as error:
            self._remark(error)
            return None

    def _unit(self, offset: int) -> Unit:
        found = self._units.get(offset)
        if found is None:
            found = self._units[offset] = Unit(self.sections, header_at(self.sections, offset))
        return found

    def _find(self, offset: int) -> tuple[Unit, int]:
        """The unit that holds an offset of .debug_info."""
        starts = self._starts
        index = bisect_right(starts, offset) - 1
        if index < 0:
            raise DamagedError("a reference leads into no unit")
        return self._unit(starts[index]), offset - starts[index]

    @cached_property
    def _starts(self) -> list[int]:
        """Where units begin."""
        found: list[int] = []
        offset = 0
        size = self.sections.view(".debug_info").size
        while offset < size and len(found) < MOST_UNITS:
            try:
                header = header_at(self.sections, offset)
            except DamagedError:
                break
            found.append(offset)
            offset = header.end
        return found

    def _offset_of(self, address: int) -> int | None:
        begins, ranges = self._aranges
        index = bisect_right(begins, address) - 1
        if index >= 0 and address < ranges[index][1]:
            return ranges[index][2]
        for begin, end, offset in self._unlisted:
            if begin <= address < end:
                return offset
        return None

    @cached_property
    def _aranges(self) -> tuple[list[int], list[tuple[int, int, int]]]:
        try:
            found = sorted(self._read_aranges())
        except _FAULTS:
            found = []
        return [one[0] for one in found], found

    def _read_aranges(self) -> Iterator[tuple[int, int, int]]:
        """DWARF 5, 6.1.2 "Lookup by Address"."""
        data = self.sections.whole(".debug_aranges")
        at = total = 0
        while at + 12 <= len(data):
            cursor = Cursor(data, at)
            length, size = cursor.number(4), 4
            if length == _EXTENDED:
                length, size = cursor.number(8), 8
            end = cursor.at + length
            if end > len(data):
                return
            cursor.number(2)
            offset = cursor.number(size)
            address_size, segment_size = cursor.byte(), cursor.byte()
            start = at + (cursor.at - at + 15) // 16 * 16
            if (address_size, segment_size) == (8, 0) and start <= end:
                pairs = data[start : start + (end - start) // 16 * 16]
                total += len(pairs) // 16
                if total > _MOST_RANGES:
                    return
                for begin, count in _PAIR.iter_unpack(pairs):
                    if begin and count:
                        yield begin, begin + count, offset
            at = end

    @cached_property
    def _unlisted(self) -> list[tuple[int, int, int]]:
        """The addresses of units that .debug_aranges does not list, by their own entries."""
        listed = {one[2] for one in self._aranges[1]}
        found: list[tuple[int, int, int]] = []
        for offset in self._starts:
            if offset in listed:
                continue
            try:
                unit = self._unit(offset)
                found += [(begin, end, offset) for begin, end in unit.ranges(unit.top)]
            except _FAULTS:
                continue
            if len(found) > _MOST_RANGES:
                break
        return found


def _line_table(unit: Unit) -> LineTable | None:
    offset = unit.top.get(At.STMT_LIST)
    return None if offset is None else LineTable(unit, offset.number)
