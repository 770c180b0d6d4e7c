"""GDB's JIT interface, read directly: the objects that JITs have registered for debuggers.

GDB itself takes quadratic time for them, and only once its breakpoint in the registering function
was hit; the lists in the target's memory are there at any time, in a core too, and take one walk.
Objects need not be ELF: what has another form is said to be that, which damages nothing.

Source: GDB manual, "JIT Compilation Interface": an entry is {next, previous, address of the object,
its size u64}.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator

from mtedbg.dataclass import dataclass, field, replace
from mtedbg.decode.code.jit_descriptors import DESCRIPTOR, ENTRY, SYMBOL, Descriptors
from mtedbg.decode.pages import Pages
from mtedbg.formats import beam_code, elf
from mtedbg.formats.beam_code import BeamRange
from mtedbg.formats.elf_object import ElfObject
from mtedbg.formats.spans import Spans
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes
from mtedbg.model.pointer import strip
from mtedbg.target import Target

__all__ = ["SYMBOL", "JitObjects", "read_objects"]

MAX_ENTRIES = 1 << 20
MAX_OBJECT = 1 << 30
"""Bytes of one object; of it only headers and symbols are read."""
MOST = 1 << 16
"""Objects that are listed at most."""

_VERSION = 1
_SPACE = 1 << 56
_ADDRESS = _SPACE - 1
"""Without a tag: these pointers are into a heap, which may be tagged."""
# Of an ELF header: identity, type, machine, place of the sections, their size and number.
_HEADER = struct.Struct("<8s8xHH20xQ10xHH2x")
# Of a section header: type, flags, address, offset, size.
_SECTION = struct.Struct("<4xIQQQQ24x")
_MAGIC = b"\x7fELF\x02\x01\x01"
_CODE = elf.SHF_ALLOC | elf.SHF_EXECINSTR
_MOST_SECTIONS = 1 << 12
_KIND, _NOUN = "ELF object", "object"
_MODULE = "module"


@dataclass
class JitObjects:
    """The registered objects, the oldest of each list first.

    Attributes:
        entries: address and size of each.
        starts: of each piece of their code the first address.
        ends: one past the last.
        owners: the number of its object, from 0.
        hole: why a part of a list or of the objects could not be read; None where all could.
        modules: the numbers of those that are BeamAsm's modules, not ELF.
        notes: remarks for people.
    """

    read: Pages
    entries: list[tuple[int, int]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    modules: set[int] = field(default_factory=set)
    hole: Absent | None = None
    notes: tuple[str, ...] = ()
    _spans: Spans | None = None
    _ranges: dict[int, list[BeamRange] | Absent] = field(default_factory=dict)

    def at(self, pc: int) -> ForeignCode:
        """What holds `pc`: of several objects the one that was registered last."""
        if self._spans is None:
            self._spans = Spans(list(zip(self.starts, self.ends, strict=True)))
        number = self._spans.at(pc)
        if number is None:
            block = NOT_APPLICABLE if self.hole is None else self.hole
            return ForeignCode(CodeSource.JIT_INTERFACE, block=block, notes=self.notes)
        owner = self.owners[number]
        if owner in self.modules:
            return self._in_module(number, pc, self.notes)
        return self._code(number, self.object(owner).symbol_at(pc), self.notes)

    def object_at(self, pc: int) -> ElfObject | None:
        """The object whose code holds `pc`; None where none does."""
        found = self.at(pc).number
        if not isinstance(found, int) or found - 1 in self.modules:
            return None
        return self.object(found - 1)

    def _in_module(self, number: int, pc: int, notes: tuple[str, ...] = ()) -> ForeignCode:
        """What holds `pc` in a module of BeamAsm's."""
        ranges = self.ranges(self.owners[number])
        one = None
        if not isinstance(ranges, Absent):
            index = bisect_right(ranges, pc, key=lambda each: each.start) - 1
            one = ranges[index] if index >= 0 and pc < ranges[index].end else None
        missing = ranges if isinstance(ranges, Absent) else NOT_APPLICABLE
        symbol = missing if one is None else CodeSpan(one.start, one.end, one.name)
        line = None if one is None else one.line_at(pc)
        return replace(
            self._code(number, symbol, notes),
            kind=_MODULE,
            noun=_MODULE,
            line=NOT_APPLICABLE if line is None else line,
        )

    def ranges(self, number: int) -> list[BeamRange] | Absent:
        """The functions of a module of BeamAsm's, by its number from 0."""
        if number not in self._ranges:
            address, size = self.entries[number]
            data = self.read.read(address, size)
            self._ranges[number] = data if isinstance(data, Absent) else beam_code.ranges_in(data)
        return self._ranges[number]

    def object(self, number: int) -> ElfObject:
        """The object with this number, from 0."""
        address, size = self.entries[number]
        return ElfObject(self.read.read, address, size)

    def _code(
        self, number: int, symbol: CodeSpan | Absent = NOT_APPLICABLE, notes: tuple[str, ...] = ()
    ) -> ForeignCode:
        return ForeignCode(
            CodeSource.JIT_INTERFACE,
            self.owners[number] + 1,
            CodeSpan(self.starts[number], self.ends[number]),
            symbol,
            notes,
            _KIND,
            _NOUN,
        )

    def listed(self) -> ForeignCodes:
        """Their pieces of code, with the first symbol of each."""
        shown = min(len(self.starts), MOST)
        codes = []
        for number in range(shown):
            owner = self.owners[number]
            if owner in self.modules:
                for each in or_else(self.ranges(owner), ()):
                    code = self._in_module(number, each.start)
                    codes.append(replace(code, block=CodeSpan(each.start, each.end)))
            else:
                codes.append(self._code(number, self.object(owner).symbol_at(self.starts[number])))
            if len(codes) >= MOST:
                break
        left = len(self.starts) - number - 1 if self.starts else 0
        cut = f"{left} more objects" if left else ""
        return ForeignCodes(CodeSource.JIT_INTERFACE, tuple(codes), cut, notes=self.notes)


def read_objects(target: Target, descriptors: Descriptors | None = None) -> JitObjects | Absent:
    """All registered objects; does not apply where the process has no such interface.

    Args:
        target: the process.
        descriptors: where descriptors may be; the exported one alone where None.
    """
    pages = Pages(target)
    symbol = target.symbol_address(SYMBOL) if descriptors is None else descriptors.symbol
    found = JitObjects(pages)
    lists: list[int] = []
    notes: list[str] = []
    if isinstance(symbol, int):
        first = _first_entry(pages, symbol)
        if not isinstance(first, Absent):
            lists.append(first)
        elif first.is_hole:
            found.hole = first
    for at in () if descriptors is None else descriptors.registered(pages):
        first = _first_entry(pages, at)
        if isinstance(first, int):
            lists.append(first)
            notes.append(f"a descriptor without a symbol is at {at:#x}")
    if not lists:
        return found.hole or Absent(Reason.NOT_APPLICABLE, f"no {SYMBOL} that was written to")
    for first in lists:
        entries, hole = _entries(pages, first)
        if hole is not None:
            notes.append(f"the list of the JIT interface is not whole: {hole}")
            found.hole = found.hole or hole
        _index(found, entries, notes)
    found.notes = tuple(notes)
    return found


def _first_entry(pages: Pages, address: int) -> int | Absent:
    """Where a descriptor's list begins, 0 for an empty one; why that is not known."""
    data = pages.read(strip(address), DESCRIPTOR.size)
    if isinstance(data, Absent):
        return Absent(data.reason, f"{SYMBOL} at {address:#x}")
    version, _, _, first = DESCRIPTOR.unpack(data)
    if not version and not first:  # nothing was written there yet
        return Absent(Reason.NOT_APPLICABLE, f"{SYMBOL} is empty")
    if version != _VERSION:
        return Absent(
            Reason.UNKNOWN_VERSION, f"{SYMBOL} is of version {version}, this reads {_VERSION}"
        )
    return strip(first)


def _entries(pages: Pages, first: int) -> tuple[list[tuple[int, int]], Absent | None]:
    """Address and size of every object, the oldest first: JITs put new ones at the head."""
    found: list[tuple[int, int]] = []
    seen: set[int] = set()
    before, at, hole = 0, first, None
    read, unpack = pages.read, ENTRY.unpack
    while at and hole is None:
        data = read(at, 32)
        if at in seen or len(seen) == MAX_ENTRIES:
            hole = Absent(Reason.DAMAGED, f"the list does not end: {len(seen)} entries")
        elif isinstance(data, Absent):
            hole = Absent(data.reason, f"the list's entry at {at:#x}")
        else:
            seen.add(at)
            following, previous, address, size = unpack(data)
            if previous & _ADDRESS != before:
                hole = Absent(Reason.DAMAGED, f"the list's entry at {at:#x} does not link back")
            address &= _ADDRESS
            found.append((address, min(size, MAX_OBJECT, _SPACE - address)))
            before, at = at, following & _ADDRESS
    return found[::-1], hole


def _index(found: JitObjects, entries: list[tuple[int, int]], notes: list[str]) -> None:
    """Adds the code of these objects to what was found."""
    failed: list[Absent] = []
    others = 0
    starts, ends, owners = found.starts, found.ends, found.owners
    for number, entry in enumerate(entries, len(found.entries)):
        code = _sections(found.read, *entry)
        if code is None:
            if _is_other(found.read, *entry):
                head = or_else(found.read.read(entry[0], min(entry[1], beam_code.HEADER.size)), b"")
                module = beam_code.code_of(head, entry[1])
                if module is not None:
                    found.modules.add(number)
                    starts.append(module.start)
                    ends.append(module.end)
                    owners.append(number)
                elif not beam_code.is_emulator(head, entry[1]):
                    others += 1
                continue
            whole = ElfObject(found.read.read, *entry).code()
            if isinstance(whole, Absent):
                failed.append(whole)
            code = [(one.start, one.end) for one in or_else(whole, [])]
        for start, end in code:
            starts.append(start)
            ends.append(end)
            owners.append(number)
    found.entries += entries
    if failed:
        notes.append(f"{len(failed)} of {len(entries)} registered objects: {failed[0]}")
        found.hole = found.hole or failed[0]
    if others:
        what = f"{others} of {len(entries)} registered objects are of a form that is not known"
        notes.append(what)
        found.hole = found.hole or Absent(Reason.UNKNOWN_VERSION, what)


def _is_other(pages: Pages, address: int, size: int) -> bool:
    """Whether an object does not even begin like an ELF file."""
    head = pages.read(address, min(size, len(elf.MAGIC)))
    return not isinstance(head, Absent) and not elf.MAGIC.startswith(head)


def _sections(pages: Pages, address: int, size: int) -> list[tuple[int, int]] | None:
    """The executable sections of an ordinary object, quickly; None where it is none of these."""
    data = pages.read(address, 64) if size >= 64 else b""
    if isinstance(data, Absent) or not data.startswith(_MAGIC):
        return None
    _, _, machine, offset, width, count = _HEADER.unpack(data)
    if machine != elf.EM_AARCH64 or width != 64 or not 0 < count <= _MOST_SECTIONS:
        return None
    if not offset or offset + count * 64 > size:
        return None
    table = pages.read(address + offset, count * 64)
    return None if isinstance(table, Absent) else list(_of_code(table))


def _of_code(table: bytes) -> Iterator[tuple[int, int]]:
    for kind, flags, start, _, length in _SECTION.iter_unpack(table):
        if flags & _CODE == _CODE and kind and length and start + length <= _SPACE:
            yield start, start + length
