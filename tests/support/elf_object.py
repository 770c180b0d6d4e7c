"""Writes small ELF objects and the list of GDB's JIT interface, so that tests can bend them.

Objects of a real compiler's making are in `programs/jit_objects.c`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
CODE = 6
DESCRIPTOR = 0x410000
ENTRIES = 0x500000
OBJECTS = 0x600000
ROOM = 0x1000


@dataclass
class ObjectFile:
    """One section of code with symbols, (value, size) by name."""

    code: int
    size: int = 0x100
    symbols: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    type: int = ET_REL
    machine: int = 183
    strings_at: int | None = None
    section_size: int = 64
    symbol_count: int | None = None

    def build(self) -> bytes:
        strings, table = b"\0", b"\0" * 24
        for name, (value, size) in self.symbols.items():
            table += struct.pack("<IBBHQQ", len(strings), 0x12, 0, 1, value, size)
            strings += name.encode() + b"\0"
        start = 64 + 4 * 64
        at = start + len(table) if self.strings_at is None else self.strings_at
        count = len(table) if self.symbol_count is None else self.symbol_count * 24
        sections = bytes(64)
        sections += section(8, CODE, self.code, 0, self.size, 0)
        sections += section(2, 0, 0, start, count, 3)
        sections += section(3, 0, 0, at, len(strings), 0)
        identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
        header = struct.pack(
            "<16sHHIQQQIHHHHHH",
            identity, self.type, self.machine, 1, 0, 0, 64, 0, 64, 0, 0, self.section_size, 4, 0,
        )  # fmt: skip
        return header + sections + table + strings


def section(kind: int, flags: int, address: int, offset: int, size: int, link: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", 0, kind, flags, address, offset, size, link, 0, 1, 0)


def interface(
    objects: Sequence[bytes], *, version: int = 1, action: int = 0, links: Mapping[int, int] = {}
) -> dict[int, bytes]:
    """Memory with a descriptor and a list in which the first of `objects` was registered first.

    Args:
        objects: the ELF objects.
        version: as the descriptor says.
        action: likewise, about the newest entry.
        links: what the `next` of an entry is instead, by the entry's place in the list.
    """
    places = [ENTRIES + 32 * n for n in range(len(objects))]
    first = places[0] if places else 0
    entries = b""
    newest_first = list(enumerate(objects))[::-1]
    for place, (number, one) in enumerate(newest_first):
        following = places[place + 1] if place + 1 < len(places) else 0
        before = places[place - 1] if place else 0
        following = links.get(place, following)
        entries += struct.pack("<QQQQ", following, before, OBJECTS + number * ROOM, len(one))
    memory = {DESCRIPTOR: struct.pack("<IIQQ", version, action, first, first)}
    if objects:
        memory[ENTRIES] = entries.ljust(0x10000, b"\0")
        memory[OBJECTS] = b"".join(one.ljust(ROOM, b"\0") for one in objects)
    return memory
