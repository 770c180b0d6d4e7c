"""What BeamAsm, Erlang's JIT, registers for debuggers by GDB's JIT interface: no ELF objects.

A first word of 0 begins the emulator's own settings, of 1 a module: {u64 1 (its upper half is not
written), base u64, count of ranges u32, bytes of code u32, length of the name u16, the name with
its zero}. Then each range: {begin u32, end u32, count of lines u32, length u16, name and its zero}
and its lines: {begin u32, line u32, length u16, name of the file and its zero}. Begins and ends are
offsets from the base. Each takes the size of its structure, padding included, and the name.

Layout learned from modules of OTP 27 in memory: all end where the registered object does.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.foreign_code import CodeSpan
from mtedbg.model.source import SourceLine

MODULE, EMULATOR = 1, 0
HEADER = struct.Struct("<I4xQIIH")
MAX_BYTES = 1 << 26
"""Of one module."""

_HEADER_SIZE = 32
_RANGE = struct.Struct("<IIIH")
_RANGE_SIZE = 16
_LINE = struct.Struct("<IIH")
_LINE_SIZE = 12
_EMULATOR_SIZE = 32
_MAX_RANGES = 1 << 20
_SPACE = 1 << 56


@dataclass(frozen=True, slots=True)
class BeamRange:
    """A function, or what stands before one.

    Attributes:
        start: its first address.
        end: one past its last.
        name: "lists:foldl/3".
        lines: first address of code, and line, in order.
    """

    start: int
    end: int
    name: str
    lines: tuple[tuple[int, SourceLine], ...]

    def line_at(self, pc: int) -> SourceLine | None:
        """The line whose code begins last at or before `pc`."""
        index = bisect_right(self.lines, pc, key=lambda one: one[0]) - 1
        return self.lines[index][1] if index >= 0 else None


def code_of(head: bytes, size: int) -> CodeSpan | None:
    """The code of the module whose object begins with `head`; None where it is no module's.

    Args:
        head: its first bytes, at least `HEADER.size`.
        size: of the whole object.
    """
    if len(head) < HEADER.size:
        return None
    kind, base, count, length, name = HEADER.unpack_from(head)
    fits = _HEADER_SIZE + name + count * (_RANGE_SIZE + 1) <= size <= MAX_BYTES
    if kind != MODULE or not fits or not count or not length or base % 4 or not name:
        return None
    return CodeSpan(base, base + length) if base and base + length <= _SPACE else None


def is_emulator(head: bytes, size: int) -> bool:
    """Whether it is what the emulator says of itself."""
    return size == _EMULATOR_SIZE and int.from_bytes(head[:4], "little") == EMULATOR


def ranges_in(data: bytes) -> list[BeamRange] | Absent:
    """The ranges of a module, by address; damaged where they do not end where it does."""
    try:
        _, base, count, _, name = HEADER.unpack_from(data)
        if count > _MAX_RANGES:
            return Absent(Reason.DAMAGED, f"a module with {count} ranges")
        found = list(_ranges(data, base, count, _HEADER_SIZE + name))
    except (struct.error, ValueError):
        return Absent(Reason.DAMAGED, "a module ends within its ranges")
    found.sort(key=lambda one: one.start)
    return found


def _ranges(data: bytes, base: int, count: int, at: int) -> Iterator[BeamRange]:
    for _ in range(count):
        begin, end, lines, length = _RANGE.unpack_from(data, at)
        name = _name(data, at + _RANGE.size, length)
        at += _RANGE_SIZE + length
        places = []
        if lines > len(data) // _LINE_SIZE:
            raise ValueError
        for _ in range(lines):
            offset, line, size = _LINE.unpack_from(data, at)
            places.append((base + offset, SourceLine(_name(data, at + _LINE.size, size), line)))
            at += _LINE_SIZE + size
        yield BeamRange(base + begin, base + end, name, tuple(sorted(places, key=_place)))
    if at != len(data):
        raise ValueError


def _place(one: tuple[int, SourceLine]) -> int:
    return one[0]


def _name(data: bytes, at: int, length: int) -> str:
    raw = data[at : at + length]
    if not raw.endswith(b"\0"):
        raise ValueError
    return raw[:-1].decode("utf-8", "replace")
