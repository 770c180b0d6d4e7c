"""The line number program of a unit: which line of which file an instruction is of.

Source: DWARF 5, 6.2 "Line Number Information"; DWARF 2 to 4, 6.2 (file tables without forms).
Where several rows have the same address the last one is of the instruction: those before it are of
statements that have none. GDB's backtraces and addr2line have it so.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

from mtedbg.dataclass import dataclass
from mtedbg.formats.dwarf.cursor import Cursor, DamagedError
from mtedbg.formats.dwarf.forms import Spec, Value, value_of
from mtedbg.formats.dwarf.unit import Unit
from mtedbg.model.source import SourceLine

MOST_ROWS = 1 << 20
MOST_BYTES = 1 << 24
_MOST_FILES = 1 << 16
_EXTENDED = 0xFFFFFFFF
_PATH, _DIRECTORY = 1, 2


class _File(NamedTuple):
    name: str
    directory: int


@dataclass(slots=True)
class _Header:
    version: int
    step: int
    is_statement: bool
    line_base: int
    line_range: int
    opcode_base: int
    lengths: bytes
    directories: list[str]
    files: list[_File]


class LineTable:
    """The lines of one unit.

    Args:
        unit: whose DW_AT_stmt_list leads to the program.
        offset: of it in .debug_line.

    Raises:
        DamagedError: none is there.
    """

    def __init__(self, unit: Unit, offset: int) -> None:
        self._unit = unit
        view = unit.sections.view(".debug_line")
        cursor = Cursor(view.part(offset, offset + 12))
        length, size = cursor.number(4), 4
        if length == _EXTENDED:
            length, size = cursor.number(8), 8
        if length > MOST_BYTES:
            raise DamagedError(f"a line number program of {length} bytes")
        start = offset + cursor.at
        self._cursor = Cursor(view.part(start, start + length))
        self._offset_size = size
        self._header = self._read_header()
        self._addresses: list[int] | None = None
        self._rows: list[int] = []

    def _read_header(self) -> _Header:
        cursor, size = self._cursor, self._offset_size
        version = cursor.number(2)
        if not 2 <= version <= 5:
            raise DamagedError(f"a line number program of version {version}")
        if version == 5:
            cursor.take(2)
        program = cursor.number(size) + cursor.at
        step = cursor.byte()
        if version >= 4:
            cursor.byte()
        is_statement = bool(cursor.byte())
        line_base, line_range = cursor.number(1, signed=True), cursor.byte()
        opcode_base = cursor.byte()
        if not line_range or not opcode_base:
            raise DamagedError("a line number program of no range")
        lengths = cursor.take(opcode_base - 1)
        if version == 5:
            directories = [text for text, _ in self._table()]
            files = [_File(text, number) for text, number in self._table()]
        else:
            directories, files = self._old_tables()
        if not cursor.at <= program <= cursor.end:
            raise DamagedError("a line number program begins within its header")
        cursor.at = program
        return _Header(
            version, step, is_statement, line_base, line_range, opcode_base, lengths,
            directories, files,
        )  # fmt: skip

    def _table(self) -> list[tuple[str, int]]:
        cursor = self._cursor
        form = [(cursor.uleb(), cursor.uleb()) for _ in range(cursor.byte())]
        count = cursor.uleb()
        if count > min(_MOST_FILES, cursor.end - cursor.at):
            raise DamagedError(f"a line number program has {count} files")
        found = []
        for _ in range(count):
            entry: dict[int, Value] = {}
            for content, kind in form:
                entry[content] = value_of(cursor, Spec(0, kind, 0), self._offset_size)
            directory = entry.get(_DIRECTORY)
            text = self._unit.text(entry.get(_PATH))
            found.append((text, directory.number if directory else 0))
        return found

    def _old_tables(self) -> tuple[list[str], list[_File]]:
        cursor = self._cursor
        directories, files = [""], [_File("", 0)]
        while name := cursor.string():
            directories.append(name.decode("utf-8", "surrogateescape"))
        while name := cursor.string():
            files.append(_File(name.decode("utf-8", "surrogateescape"), cursor.uleb()))
            cursor.uleb()
            cursor.uleb()
            if max(len(files), len(directories)) > _MOST_FILES:
                raise DamagedError("a line number program has too many files")
        return directories, files

    def file(self, number: int) -> str:
        """The name of a file, with its folder where that is not the one of the compilation."""
        if not 0 <= number < len(self._header.files):
            return ""
        name, directory = self._header.files[number]
        folders = self._header.directories
        if name.startswith("/") or not 0 < directory < len(folders) or not folders[directory]:
            return name
        return f"{folders[directory]}/{name}"

    def at(self, address: int) -> SourceLine | None:
        """The line that the instruction at `address` is of; None where the program says none.

        Raises:
            DamagedError: the program cannot be what it should be.
        """
        if self._addresses is None:
            self._run()
        addresses = self._addresses or []
        index = bisect_right(addresses, address) - 1
        if index < 0:
            return None
        row = self._rows[index]
        line = row >> 1 & 0xFFFFFFFF
        name = self.file(row >> 33)
        return SourceLine(name, line) if line and name else None

    def _run(self) -> None:
        """Fills the rows: file, line and whether it begins a statement, in one number each."""
        sequences: list[tuple[int, list[tuple[int, int]]]] = []
        rows: list[tuple[int, int]] = []
        header, cursor = self._header, self._cursor
        data, end = cursor.data, cursor.end
        base, line_base, line_range = header.opcode_base, header.line_base, header.line_range
        step, total = header.step, 0
        fixed = (255 - base) // line_range * step
        address, file, line, statement = 0, 1, 1, int(header.is_statement)
        while cursor.at < end:
            code = data[cursor.at]
            cursor.at += 1
            if code >= base:
                code -= base
                address += code // line_range * step
                line += line_base + code % line_range
                rows.append((address, file << 33 | (line & 0xFFFFFFFF) << 1 | statement))
            elif code == 2:
                address += cursor.uleb() * step
            elif code == 3:
                line += cursor.sleb()
            elif code == 1:  # DW_LNS_copy
                rows.append((address, file << 33 | (line & 0xFFFFFFFF) << 1 | statement))
            elif code == 0:
                stop = cursor.uleb() + cursor.at
                if stop > end or stop == cursor.at:
                    raise DamagedError("a line number program with an instruction of no length")
                kind = cursor.byte()
                if kind == 2:
                    address = cursor.number(stop - cursor.at)
                elif kind == 1:  # DW_LNE_end_sequence
                    total += len(rows)
                    # What a linker has left out stands at 0.
                    if rows and 0 < rows[0][0] < address:
                        rows.append((address, 0))
                        sequences.append((rows[0][0], rows))
                    rows = []
                    address, file, line, statement = 0, 1, 1, int(header.is_statement)
                cursor.at = stop
            elif code == 4:
                file = cursor.uleb() & 0xFFFFFFFF
            elif code == 6:
                statement ^= 1
            elif code == 8:
                address += fixed
            elif code == 9:
                address += cursor.number(2)
            else:
                for _ in range(header.lengths[code - 1]):
                    cursor.uleb()
            if total + len(rows) > MOST_ROWS:
                raise DamagedError("a line number program with too many rows")
        addresses, values = [], []
        for _, sequence in sorted(sequences, key=lambda one: one[0]):
            for where, value in sequence:
                addresses.append(where)
                values.append(value)
        if any(one > other for one, other in pairwise(addresses)):
            pairs = sorted(zip(addresses, values, strict=True), key=lambda pair: pair[0])
            addresses, values = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        self._addresses, self._rows = addresses, values
