"""An ELF object in a process's memory: the code that it describes, and its symbols.

A JIT registers such objects for debuggers (`jit_interface.py`). Sections hold the addresses at
which their code was placed (GDB manual, "Registering Code"; GDB takes each section's `sh_addr`).

Source: System V gABI, chapters 4 (sections, symbols) and 5 (program headers).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from mtedbg.dataclass import replace
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.formats.buffer import Read
from mtedbg.formats.elf import FileHeader, ProgramHeader, Section
from mtedbg.formats.spans import Spans
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, then
from mtedbg.model.foreign_code import CodeSpan

_KINDS = frozenset((elf.STT_NOTYPE, elf.STT_FUNC, elf.STT_GNU_IFUNC))
_MAX_HEADERS = 1 << 12
_MAX_SYMBOLS = 1 << 18
_MAX_NAME = 256
_MAX_STRINGS = 1 << 16
_HEADER_SIZE = elf.SECTION_HEADER.size
_SPACE = 1 << 56


class ElfObject:
    """One object; nothing is read of it before it is asked for.

    Args:
        read: reads the process's memory.
        address: where it begins.
        size: bytes that it has.
        in_place: whether its code is in it, and runs where it lies; else sections hold the
            addresses at which their code was placed.
    """

    def __init__(self, read: Read, address: int, size: int, *, in_place: bool = False) -> None:
        self._in_place = in_place
        self._read = read
        self._address = address
        self._size = size

    def _bytes(self, offset: int, length: int) -> bytes | Absent:
        if offset + length > self._size:
            return Absent(Reason.DAMAGED, "an ELF header points past the end of its object")
        return self._read(self._address + offset, length) if length else b""

    @cached_property
    def _header(self) -> FileHeader | Absent:
        return then(self._bytes(0, elf.FILE_HEADER.size), _header_in)

    def _table(self, offset: int, count: int, size: int, expected: int) -> bytes | Absent:
        if not count or not offset:
            return b""
        if size != expected or count > _MAX_HEADERS:
            return Absent(Reason.DAMAGED, f"{count} ELF headers of {size} bytes")
        return self._bytes(offset, count * size)

    @cached_property
    def _sections(self) -> list[Section] | Absent:
        return then(
            self._header,
            lambda header: then(
                self._table(
                    header.sections,
                    header.section_count,
                    header.section_size,
                    elf.SECTION_HEADER.size,
                ),
                self._placed_sections,
            ),
        )

    def _placed_sections(self, table: bytes) -> list[Section]:
        sections = elf.sections_in(table)
        if not self._in_place:
            return sections
        return [replace(one, address=self._address + one.offset) for one in sections]

    def named(self, name: str) -> Section | None:
        """The section called `name`, with the address where it is; None where there is none."""
        sections, header = self._sections, self._header
        if isinstance(sections, Absent) or isinstance(header, Absent):
            return None
        last = self._bytes(elf.FILE_HEADER.size - 2, 2)
        index = 0 if isinstance(last, Absent) else int.from_bytes(last, "little")
        if not index < len(sections):
            return None
        strings = self._bytes(sections[index].offset, min(sections[index].size, _MAX_STRINGS))
        table = self._table(header.sections, len(sections), _HEADER_SIZE, _HEADER_SIZE)
        if isinstance(strings, Absent) or isinstance(table, Absent):
            return None
        wanted = name.encode() + b"\0"
        for number, one in enumerate(sections):
            at = int.from_bytes(table[number * _HEADER_SIZE : number * _HEADER_SIZE + 4], "little")
            if strings.startswith(wanted, at):
                return replace(one, address=self._address + one.offset)
        return None

    def loaded(self, name: str) -> Section | None:
        """The section called `name`, with the address at which the program has it."""
        found = self.named(name)
        if found is None or self._in_place:
            return found
        for one in or_else(self._sections, []):
            if one.offset == found.offset and one.size == found.size and one.address:
                return one
        return None

    @cached_property
    def _program_headers(self) -> list[ProgramHeader] | Absent:
        return then(
            self._header,
            lambda header: then(
                self._table(
                    header.program_headers,
                    header.program_header_count,
                    header.program_header_size,
                    elf.PROGRAM_HEADER.size,
                ),
                elf.program_headers_in,
            ),
        )

    @property
    def is_loaded_by_segments(self) -> bool:
        """Whether it has program headers, as what a program loads as a library has."""
        return bool(or_else(then(self._header, lambda header: header.program_header_count), 0))

    def code(self) -> list[CodeSpan] | Absent:
        """Where its code is: the executable sections, or segments where it has no sections."""
        return then(then(self._sections, self._executable), _spans_of)

    def _executable(self, sections: list[Section]) -> list[tuple[int, int]] | Absent:
        if sections:
            return [(one.address, one.size) for one in sections if one.is_code]
        return then(
            self._program_headers,
            lambda headers: [
                (one.address, one.memory_size)
                for one in headers
                if one.type == elf.PT_LOAD and one.flags & elf.PF_X
            ],
        )

    def symbol_at(self, address: int) -> CodeSpan | Absent:
        """The symbol of its code that holds `address`; does not apply where none does."""
        return then(self._symbols, lambda symbols: self._named(*symbols, address))

    def symbols(self) -> list[CodeSpan] | Absent:
        """All symbols of its code."""
        return then(
            self._symbols,
            lambda symbols: [
                CodeSpan(start, end, or_else(self._name(name), ""))
                for start, end, name in symbols[1]
            ],
        )

    def _named(
        self, spans: Spans, symbols: list[tuple[int, int, int]], address: int
    ) -> CodeSpan | Absent:
        number = spans.at(address)
        if number is None:
            return NOT_APPLICABLE
        start, end, name = symbols[number]
        return then(self._name(name), lambda text: CodeSpan(start, end, text))

    @cached_property
    def _strings(self) -> Section | None:
        table, sections = self._symbol_section, or_else(self._sections, [])
        return sections[table.link] if table is not None and table.link < len(sections) else None

    @cached_property
    def _symbol_section(self) -> Section | None:
        for kind in (elf.SHT_SYMTAB, elf.SHT_DYNSYM):
            for section in or_else(self._sections, []):
                if section.type == kind:
                    return section
        return None

    def _name(self, offset: int) -> str | Absent:
        strings = self._strings
        if strings is None or offset >= strings.size:
            return Absent(Reason.DAMAGED, "a symbol's name lies outside of its table")
        data = self._bytes(strings.offset + offset, min(_MAX_NAME, strings.size - offset))
        return then(data, lambda raw: raw.partition(b"\0")[0].decode("utf-8", "replace"))

    @cached_property
    def _symbols(self) -> tuple[Spans, list[tuple[int, int, int]]] | Absent:
        section = self._symbol_section
        if section is None:
            return Spans([]), []
        count = section.size // elf.SYMBOL.size
        if count > _MAX_SYMBOLS:
            return Absent(Reason.DAMAGED, f"an ELF object with {count} symbols")
        return then(self._bytes(section.offset, count * elf.SYMBOL.size), self._indexed)

    def _indexed(self, data: bytes) -> tuple[Spans, list[tuple[int, int, int]]]:
        found = list(self._placed(data))
        return Spans([(start, end) for start, end, _ in found]), found

    def _placed(self, data: bytes) -> Iterator[tuple[int, int, int]]:
        """First address, end and name of each symbol in code."""
        sections = or_else(self._sections, [])
        code = {number: section for number, section in enumerate(sections) if section.is_code}
        known = [
            (name, index, value, size)
            for name, info, _, index, value, size in elf.symbols_in(data)
            if info & 0xF in _KINDS and index in code and name
        ]
        given = self._given
        relative = self._is_relative([(given[section], value) for _, section, value, _ in known])
        for name, index, value, size in known:
            section = code[index]
            start = value + (0 if relative else -given[index].address)
            start += section.address
            # Without a size it goes as far as its section, where no other begins.
            yield start, start + size if size else section.address + section.size, name

    @cached_property
    def _given(self) -> list[Section]:
        """The sections with the addresses that they say themselves."""
        if not self._in_place:
            return or_else(self._sections, [])
        header = self._header
        if isinstance(header, Absent):
            return []
        table = self._table(header.sections, header.section_count, _HEADER_SIZE, _HEADER_SIZE)
        return [] if isinstance(table, Absent) else elf.sections_in(table)

    def _is_relative(self, values: list[tuple[Section, int]]) -> bool:
        """Whether values are offsets into their sections.

        By the gABI they are that in relocatable objects alone. wasmtime's shared objects have such
        as well, which is seen where no value is an address of its section.
        """
        if then(self._header, lambda header: header.type) == elf.ET_REL:
            return True
        return bool(values) and all(
            value < section.size and not section.address <= value < section.address + section.size
            for section, value in values
        )


def _header_in(data: bytes) -> FileHeader | Absent:
    if not data.startswith(elf.MAGIC):
        return Absent(Reason.NOT_APPLICABLE, "no ELF object")
    try:
        header = elf.file_header(data, "the object")
    except FileFormatError:
        return Absent(Reason.DAMAGED, "not a 64-bit little-endian ELF object")
    if header.machine != elf.EM_AARCH64:
        return Absent(Reason.DAMAGED, f"an ELF object for machine {header.machine}")
    return header


def _spans_of(pieces: list[tuple[int, int]]) -> list[CodeSpan]:
    return [
        CodeSpan(start, start + size)
        for start, size in pieces
        if size > 0 and start + size <= _SPACE
    ]
