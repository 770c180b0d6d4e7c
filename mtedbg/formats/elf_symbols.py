"""Symbol tables of images: from a file's sections, or from the dynamic section in memory.

Source: gABI chapter 4 "Symbol Table", chapter 5 "Hash Table"; DT_GNU_HASH as glibc's dl-lookup.c
reads it.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from functools import cached_property, partial

from mtedbg.errors import OverBudgetError
from mtedbg.formats import elf
from mtedbg.formats.buffer import Buffer, Read, text
from mtedbg.formats.elf import ProgramHeader
from mtedbg.formats.elf_hash import ExportedNames
from mtedbg.model.absent import Absent, Reason, or_else, present, then
from mtedbg.model.process import Symbol

DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_GNU_HASH = 4, 5, 6, 10, 0x6FFFFEF5
SHT_GNU_HASH = 0x6FFFFFF6
MAX_SYMBOLS = 1 << 20
MAX_STRINGS = 1 << 27
_FUNCTION = elf.STT_FUNC
_KINDS = frozenset((elf.STT_NOTYPE, elf.STT_OBJECT, _FUNCTION, elf.STT_GNU_IFUNC))
_CODE = {elf.STT_OBJECT: False, elf.STT_FUNC: True, elf.STT_GNU_IFUNC: True}
_LOCAL = 0
_UNDEFINED, _RESERVED = 0, 0xFF00
_NAMELESS = frozenset((b"$", b"\0", b""))  # "$x", "$d": mapping symbols (AAELF64)
_INDEX_MASK = MAX_SYMBOLS - 1
_RANK_SHIFT, _RANK_MASK, _VALUE_SHIFT = 20, 7, 23
_MAX_NAME = 4096
_MAX_PLACES = 4096
_MOST_KNOWN = 64
"""Names whose places are kept: the same few are asked for again and again."""
_MAX_CHAIN = 1 << 16
_MAX_DYNAMIC = 1 << 14


class _Records:
    """The records of a table, read and put in order when a symbol is first looked for.

    Args:
        read: gives them.
        strings: their names.
    """

    def __init__(self, read: Callable[[], bytes], strings: bytes) -> None:
        self._read = read
        self._strings = strings

    @cached_property
    def entries(self) -> bytes:
        """As they are in the image."""
        return self._read()[: MAX_SYMBOLS * elf.SYMBOL.size]

    @cached_property
    def order(self) -> list[int]:
        """One integer a symbol: value, rank, place.

        Where several share an address the best comes last: a sized, global function.
        """
        return self._ordered(enumerate(elf.symbols_in(self.entries)))

    def _ordered(self, symbols: Iterable[tuple[int, tuple[int, ...]]]) -> list[int]:
        return sorted(
            value << _VALUE_SHIFT
            | ((size > 0) * 4 + (info >> 4 != _LOCAL) * 2 + (info & 0xF == _FUNCTION))
            << _RANK_SHIFT
            | index
            for index, (name, info, _, section, value, size) in symbols
            if info & 0xF in _KINDS
            and _UNDEFINED < section < _RESERVED
            and self._strings[name : name + 1] not in _NAMELESS
        )

    def named(self, offsets: Iterable[int]) -> list[int]:
        """Those of `order` whose names begin at one of `offsets` of the strings."""
        width, data = elf.SYMBOL.size, self.entries
        indices: list[int] = []
        for offset in offsets:
            wanted = struct.pack("<I", offset)  # a record begins with it
            at = data.find(wanted)
            while 0 <= at <= len(data) - width:
                if at % width == 0:
                    indices.append(at // width)
                at = data.find(wanted, at + 1)
        return self._ordered((at, elf.SYMBOL.unpack_from(data, at * width)) for at in indices)

    @property
    def size(self) -> int:
        """Bytes that they take in memory, roughly."""
        return 3 * len(self.__dict__.get("entries", b"")) + len(self._strings)


class SymbolTable:
    """The symbols of one image, found by name and by address."""

    def __init__(
        self,
        entries: Callable[[], bytes],
        strings: bytes,
        bias: int,
        places: Sequence[range] = (),
        exported: ExportedNames | None = None,
    ) -> None:
        """Takes the tables as they are in the image.

        Args:
            entries: gives Elf64_Sym records, once a name that is wanted is there; at most
                `MAX_SYMBOLS` are looked at.
            strings: their names.
            bias: what is added to a symbol's value.
            places: of the sections, by number, where known.
            exported: finds those that the image exports in less time; None where it has no such
                table.
        """
        self._records = _Records(entries, strings)
        self._strings = strings
        self._bias = bias
        self._places = places
        self._exported = exported
        self._known: dict[str, tuple[int, bool | None] | None] = {}

    @property
    def _entries(self) -> bytes:
        return self._records.entries

    @property
    def _order(self) -> list[int]:
        return self._records.order

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, roughly."""
        return self._records.size

    def moved(self, bias: int) -> SymbolTable:
        """The same symbols where something else is added to their values."""
        made = copy(self)
        made._bias = bias
        return made

    def __len__(self) -> int:
        return len(self._order)

    def _entry(self, ordered: int) -> tuple[int, int, int, int, int, int]:
        name, info, other, section, value, size = elf.SYMBOL.unpack_from(
            self._entries, (ordered & _INDEX_MASK) * elf.SYMBOL.size
        )
        return name, info, other, section, value, size

    def definition(self, name: str) -> tuple[int, bool | None] | None:
        """Address of the symbol `name`, of the most public one where several have it.

        Returns:
            With it, whether it is a function; None where the table does not say.
        """
        if name not in self._known and len(self._known) < _MOST_KNOWN:
            self._known[name] = self._search(name)
        found = self._known[name] if name in self._known else self._search(name)
        return None if found is None else (found[0] + self._bias, found[1])

    def _search(self, name: str) -> tuple[int, bool | None] | None:
        """The same, before the bias is added."""
        plain = name.encode("utf-8", "surrogateescape")
        if (exported := self._search_exported(plain)) is not None:
            return exported
        wanted = plain + b"\0"
        offsets: set[int] = set()
        position = self._strings.find(wanted)
        while position >= 0 and len(offsets) < _MAX_PLACES:
            offsets.add(position)
            position = self._strings.find(wanted, position + 1)
        found = self._records.named(offsets) if offsets else []
        if not found:
            return None
        best: int = max(found, key=lambda key: key >> _RANK_SHIFT & _RANK_MASK)
        kind = self._entry(best)[1] & 0xF
        return best >> _VALUE_SHIFT, _CODE.get(kind)

    def _search_exported(self, name: bytes) -> tuple[int, bool | None] | None:
        """The same, of a symbol that is exported and has a size: nothing has the name before it."""
        if self._exported is None:
            return None
        found = [
            (symbol[4], _CODE.get(symbol[1] & 0xF))
            for _, symbol in self._exported.named(name)
            if symbol[1] & 0xF in _KINDS
            and symbol[1] >> 4 != _LOCAL
            and _UNDEFINED < symbol[3] < _RESERVED
            and symbol[5]
        ]
        # Of several, a function; of several versions of one, the first.
        return min(found, key=lambda one: (one[1] is not True, one[0]), default=None)

    def at(self, address: int) -> Symbol | None:
        """The symbol that holds `address`."""
        value = address - self._bias
        index = bisect_right(self._order, (value + 1 << _VALUE_SHIFT) - 1) - 1
        if value < 0 or index < 0:
            return None
        name, _, _, section, start, size = self._entry(self._order[index])
        if size and value - start >= size:
            return None
        # Without a size, as a linker's marks are, it is nothing's name beyond its section.
        place = self._places[section] if not size and section < len(self._places) else ()
        if start in place and value not in place:
            return None
        return Symbol(text(self._strings[name : name + _MAX_NAME]), value - start)


class JoinedTables:
    """Several tables of one image: the first that holds an address, or has a name, answers."""

    def __init__(self, *tables: SymbolTable | JoinedTables) -> None:
        self._tables = tables

    def __len__(self) -> int:
        return sum(len(table) for table in self._tables)

    @property
    def size(self) -> int:
        """As `SymbolTable.size`."""
        return sum(table.size for table in self._tables)

    def definition(self, name: str) -> tuple[int, bool | None] | None:
        """As `SymbolTable.definition`."""
        found = (table.definition(name) for table in self._tables)
        return next((one for one in found if one is not None), None)

    def at(self, address: int) -> Symbol | None:
        """As `SymbolTable.at`."""
        found = (table.at(address) for table in self._tables)
        return next((one for one in found if one is not None), None)


def from_sections(data: Buffer, header: elf.FileHeader, bias: int) -> SymbolTable | None:
    """The symbols in a file's .symtab, or in its .dynsym where it is stripped."""
    table = elf.sections(data, header)
    exported = _exported(data, table)
    for kind in (elf.SHT_SYMTAB, elf.SHT_DYNSYM):
        for section in table:
            if section.type == kind and section.link < len(table):
                strings = table[section.link]
                size = min(section.size, MAX_SYMBOLS * elf.SYMBOL.size)
                return SymbolTable(
                    partial(_slice, data, section.offset, section.offset + size),
                    data[strings.offset : strings.offset + min(strings.size, MAX_STRINGS)],
                    bias,
                    [range(one.address, one.address + one.size) for one in table],
                    exported,
                )
    return None


def _exported(data: Buffer, table: Sequence[elf.Section]) -> ExportedNames | None:
    """What finds a file's exported symbols by their hashes; None where it has no such table."""
    for section in table:
        if section.type != SHT_GNU_HASH or section.link >= len(table):
            continue
        symbols = table[section.link]
        if symbols.type == elf.SHT_DYNSYM and symbols.link < len(table):
            strings = table[symbols.link].offset
            read = partial(_part, data)
            return ExportedNames(read, section.offset, symbols.offset, strings)
    return None


def _part(data: Buffer, start: int, length: int) -> bytes:
    return data[start : start + length]


def from_memory(read: Read, headers: list[ProgramHeader], bias: int) -> SymbolTable | Absent:
    """The dynamic symbols of an image, as far as its memory was dumped.

    Args:
        read: reads memory of the process.
        headers: the image's program headers.
        bias: where it was loaded.
    """
    dynamic = next((h for h in headers if h.type == elf.PT_DYNAMIC), None)
    if dynamic is None:
        return Absent(Reason.NOT_RECORDED, "no dynamic section")
    section = read(bias + dynamic.address, min(dynamic.memory_size, _MAX_DYNAMIC) // 16 * 16)
    return then(section, lambda raw: _from_tags(read, elf.dynamic_in(raw), bias))


def _from_tags(read: Read, tags: dict[int, int], bias: int) -> SymbolTable | Absent:
    """The symbols that a dynamic section points to."""
    if not tags.keys() >= {DT_SYMTAB, DT_STRTAB, DT_STRSZ}:
        return Absent(Reason.DAMAGED, "incomplete dynamic section")
    # The dynamic loader adds the bias in place; the vDSO's own values stay as they are.
    places = {tag: value if value >= bias else value + bias for tag, value in tags.items()}
    count = _count(read, places)
    if isinstance(count, Absent):
        return count
    strings = read(places[DT_STRTAB], min(tags[DT_STRSZ], MAX_STRINGS))
    entries = partial(_present, read, places[DT_SYMTAB], count * elf.SYMBOL.size)
    return then(strings, lambda known: SymbolTable(entries, known, bias))


def _slice(data: Buffer, start: int, end: int) -> bytes:
    return data[start:end]


def _present(read: Read, address: int, length: int) -> bytes:
    """The bytes there; none where they are not all there."""
    found = read(address, length)
    if isinstance(found, Absent) and found.reason is Reason.OVER_BUDGET:
        raise OverBudgetError(str(found), "")  # not to be believed the next time
    return or_else(found, b"")


def _count(read: Read, places: dict[int, int]) -> int | Absent:
    """How many dynamic symbols there are: only the hash tables know."""
    if DT_HASH in places:
        head = read(places[DT_HASH], 8)
        if present(head):
            return min(int.from_bytes(head[4:], "little"), MAX_SYMBOLS)
    if DT_GNU_HASH not in places:
        return Absent(Reason.NOT_RECORDED, "no hash table")
    start = places[DT_GNU_HASH]
    return then(read(start, 16), lambda head: _count_by_chains(read, start, head))


def _count_by_chains(read: Read, start: int, head: bytes) -> int | Absent:
    """The end of the last chain in a table of DT_GNU_HASH at `start`."""
    bucket_count, first, bloom, _ = struct.unpack("<IIII", head)
    buckets_at = start + 16 + 8 * bloom
    buckets = read(buckets_at, 4 * min(bucket_count, MAX_SYMBOLS))
    if isinstance(buckets, Absent):
        return buckets
    last = max((n for (n,) in struct.iter_unpack("<I", buckets)), default=0)
    chains = buckets_at + 4 * bucket_count - 4 * first
    for index in range(max(last, first), max(last, first) + _MAX_CHAIN):
        link = read(chains + 4 * index, 4)
        if isinstance(link, Absent):
            return link
        if link[0] & 1:  # the end of a chain
            return min(index + 1, MAX_SYMBOLS)
    return Absent(Reason.DAMAGED, "hash table without end")
