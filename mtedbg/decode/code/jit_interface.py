"""GDB's JIT interface, read directly: the ELF objects that a JIT has registered for debuggers.

GDB itself takes quadratic time for them, and only once its breakpoint in the registering function
was hit; the list in the target's memory is there at any time, in a core too, and takes one walk.

Source: GDB manual, "JIT Compilation Interface": `__jit_debug_descriptor` is {version u32 = 1,
action u32, relevant entry, first entry}, an entry {next, previous, address of the object, its size
u64}.
"""

from __future__ import annotations

import struct

from mtedbg.dataclass import dataclass
from mtedbg.decode.pages import Pages
from mtedbg.formats.elf_object import ElfObject
from mtedbg.formats.spans import Spans
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode
from mtedbg.target import Target

SYMBOL = "__jit_debug_descriptor"
MAX_ENTRIES = 1 << 20
MAX_OBJECT = 1 << 30
"""Bytes of one object; of it only headers and symbols are read."""

_DESCRIPTOR = struct.Struct("<IIQQ")
_ENTRY = struct.Struct("<QQQQ")
_VERSION = 1
_SPACE = 1 << 56
_ACTIONS = {1: "registered", 2: "unregistered"}


@dataclass(frozen=True)
class JitObjects:
    """The registered objects, the oldest first.

    Attributes:
        objects: the ELF objects.
        spans: to find code by its address.
        owners: of each piece of code the number of its object, in the order of `spans`.
        pieces: the code of all objects, in the same order.
        hole: why a part of the list or of its objects could not be read; None where all could.
        notes: remarks for people.
    """

    objects: list[ElfObject]
    spans: Spans
    owners: list[int]
    pieces: list[CodeSpan]
    hole: Absent | None
    notes: tuple[str, ...]

    def at(self, pc: int) -> ForeignCode:
        """What holds `pc`: of several objects the one that was registered last."""
        number = self.spans.at(pc)
        if number is None:
            block = NOT_APPLICABLE if self.hole is None else self.hole
            return ForeignCode(CodeSource.JIT_INTERFACE, block=block, notes=self.notes)
        owner = self.owners[number]
        symbol = self.objects[owner].symbol_at(pc)
        return ForeignCode(
            CodeSource.JIT_INTERFACE, owner + 1, self.pieces[number], symbol, self.notes
        )


def read_objects(target: Target) -> JitObjects | Absent:
    """All registered objects; does not apply where the process has no such interface."""
    address = target.symbol_address(SYMBOL)
    if isinstance(address, Absent):
        return Absent(Reason.NOT_APPLICABLE, f"no {SYMBOL}")
    data = target.read_memory(address, _DESCRIPTOR.size)
    if isinstance(data, Absent):
        return Absent(data.reason, f"{SYMBOL} at {address:#x}")
    version, action, relevant, first = _DESCRIPTOR.unpack(data)
    if not version and not first:  # nothing was written there yet
        return Absent(Reason.NOT_APPLICABLE, f"{SYMBOL} is empty")
    if version != _VERSION:
        return Absent(Reason.DAMAGED, f"{SYMBOL} is of version {version}, this reads {_VERSION}")
    pages = Pages(target)
    entries, hole = _entries(pages, first)
    notes = []
    if what := _ACTIONS.get(action):
        notes.append(f"the entry at {relevant:#x} is being {what}")
    return _indexed(pages, entries, hole, notes)


def _entries(pages: Pages, first: int) -> tuple[list[tuple[int, int]], Absent | None]:
    """Address and size of every object, the oldest first: JITs put new ones at the head."""
    found: list[tuple[int, int]] = []
    seen: set[int] = set()
    before, at, hole = 0, first, None
    while at and hole is None:
        data = pages.read(at, _ENTRY.size) if at < _SPACE else Absent(Reason.UNMAPPED)
        if at in seen or len(seen) == MAX_ENTRIES:
            hole = Absent(Reason.DAMAGED, f"the list does not end: {len(seen)} entries")
        elif isinstance(data, Absent):
            hole = Absent(data.reason, f"the list's entry at {at:#x}")
        else:
            seen.add(at)
            following, previous, address, size = _ENTRY.unpack(data)
            if previous != before:
                hole = Absent(Reason.DAMAGED, f"the list's entry at {at:#x} does not link back")
            found.append((address, size))
            before, at = at, following
    return found[::-1], hole


def _indexed(
    pages: Pages, entries: list[tuple[int, int]], hole: Absent | None, notes: list[str]
) -> JitObjects:
    objects: list[ElfObject] = []
    owners: list[int] = []
    pieces: list[CodeSpan] = []
    failed: list[Absent] = []
    for number, (address, size) in enumerate(entries):
        one = ElfObject(pages.read, address, min(size, MAX_OBJECT, max(_SPACE - address, 0)))
        objects.append(one)
        code = one.code()
        if isinstance(code, Absent):
            failed.append(code)
            continue
        owners += [number] * len(code)
        pieces += code
    if hole is not None:
        notes.append(f"the list of the JIT interface is not whole: {hole}")
    if failed:
        notes.append(f"{len(failed)} of {len(entries)} registered objects: {failed[0]}")
    spans = Spans([(one.start, one.end) for one in pieces])
    missing = hole or (failed[0] if failed else None)
    return JitObjects(objects, spans, owners, pieces, missing, tuple(notes))
