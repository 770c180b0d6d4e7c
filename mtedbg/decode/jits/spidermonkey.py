"""SpiderMonkey's maps of its wasm code, as they are in the memory of its process.

The library keeps one map of all wasm code of the process, so that its signal handler finds what a
PC is in. The map has two copies of its list, sorted by address, and a pointer to each: the one that
is read and the one that is changed next, which change places. That is what it is recognised by. The
pointer to the map is among the library's variables.

Up to version 128 the list is of *segments*: a module's code of one tier, or stubs that were made
later. From 129 on it is of *blocks*, and each `Code` has a map of its own as well. A block, or what
a segment belongs to, has a list of ranges: functions, entries, exits.

What confirms a layout: a segment's owner points back to it; a block's `Code` is also that of the
block's memory, which holds the block; ranges are in order and within the code.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.words import HoleError, Words, at_most, damaged
from mtedbg.model.absent import Absent, Reason

MOST_BLOCKS = 1 << 20
MOST_RANGES = 1 << 24
MOST_VARIABLES = 1 << 20
"""Bytes of the library's variables that are searched."""

_VECTOR = 24
"""Bytes of a vector: its memory, its length, its capacity."""
_MAP = 0x30
"""Where a map's first list is: after its lock."""
_LOWEST = 1 << 16
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Vector:
    """A list of `count` things at `address`."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class WasmRange:
    """A part of a block.

    Attributes:
        start: its first address.
        end: one past its last.
        kind: SpiderMonkey's word: "Function", "JitEntry".
        function: index of the wasm function that it is of.
    """

    start: int
    end: int
    kind: str
    function: int


@dataclass(frozen=True, slots=True)
class WasmBlock:
    """A piece of code.

    Attributes:
        address: of its record.
        number: in its `Code`; None where it has none.
        kind: "SharedStubs", "BaselineTier", "OptimizedTier", "LazyStubs".
        start: its first address.
        end: one past its last.
        code: address of the `Code` that it is of.
        ranges: its ranges.
        calls: where its calls return to.
    """

    address: int
    number: int | None
    kind: str
    start: int
    end: int
    code: int
    ranges: Vector
    calls: tuple[Vector, Vector] | Vector | None = None


KINDS = ("SharedStubs", "BaselineTier", "OptimizedTier", "LazyStubs")
_RANGES = (
    "Function",
    "InterpEntry",
    "JitEntry",
    "ImportInterpExit",
    "ImportJitExit",
    "BuiltinThunk",
    "TrapExit",
    "DebugStub",
)
FUNCTION, ENTRY = _RANGES[:2]
SAVED = ("x16", "x19", *(f"x{number}" for number in range(20, 31)))
"""What an entry from C++ keeps of its caller, one after the other; its stack is 8 bytes above."""
_CALL = (1 << 28) - 1
"""The bits of a call's word that are its place in the module."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in one version: offsets in bytes.

    Attributes:
        range_size: bytes of a range: its first, return and last offset, and its function.
        range_kind: u8, in a range.
        range_kinds: their names.
        meta: what is known of a module, in its `Code`.
        module: in that: place of the module's name in the names, and its length.
        functions: of the same for its functions: a vector.
        has_names: u8, whether there are any.
        names: (where it is in `Code`, the text of the names in that).
        file: pointers from `meta` to the name of the script that compiled it.
        saved: where an entry from C++ has saved registers, from its frame record.
        own_map: the map that each `Code` has; None where it has none.
    """

    range_size: int
    range_kind: int
    range_kinds: tuple[str, ...]
    meta: int
    module: int
    functions: int
    has_names: int
    names: tuple[int, int]
    file: tuple[int, ...]
    saved: int
    own_map: int | None = None


LAYOUTS = {
    128: Layout(
        range_size=32,
        range_kind=28,
        range_kinds=(*_RANGES, "FarJumpIsland", "Throw"),
        meta=0x20,
        module=0xF0,
        functions=0x100,
        has_names=0xF8,
        names=(0x20, 0xE8),
        file=(0xD8,),
        saved=160,
    ),
    140: Layout(
        range_size=28,
        range_kind=24,
        range_kinds=(
            *_RANGES,
            "RequestTierUpStub",
            "UpdateCallRefMetricsStub",
            "FarJumpIsland",
            "Throw",
        ),
        meta=0x208,
        module=0x1A0,
        functions=0x1A8,
        has_names=0x1C8,
        names=(0x210, 0x110),
        file=(0x10, 8),
        saved=96,
        own_map=0x190,
    ),
}
"""By the number in the library's name: libmozjs-128."""


class WasmCode:
    """The wasm code of a process.

    Args:
        words: its memory.
        layout: of its version.
        address: of its map.

    Attributes:
        words, layout, address: the same.
    """

    def __init__(self, words: Words, layout: Layout, address: int) -> None:
        self.words = words
        self.layout = layout
        self.address = address

    def blocks_of(self, address: int) -> Vector:
        """The list of the map at `address` that is read, not the one that is changed.

        Raises:
            HoleError: it is not there.
        """
        found = map_at(self.words, address)
        if found is None:
            raise damaged(f"the map of wasm code at {address:#x}")
        return found[1]

    def at(self, pc: int) -> WasmBlock | None:
        """The block that holds `pc`.

        Raises:
            HoleError: a part of the map that is needed is not there, or contradicts itself.
        """
        listed = self.blocks_of(self.address)
        count = at_most(listed.count, lambda number: self._start(listed, number), pc)
        if not count:
            return None
        found = self.block(self.words.pointer(listed.address + 8 * (count - 1)))
        return found if found.start <= pc < found.end else None

    def all(self, most: int = MOST_BLOCKS) -> Iterator[WasmBlock]:
        """The blocks in order of address.

        Raises:
            HoleError: as `at`.
        """
        listed = self.blocks_of(self.address)
        for number in range(min(listed.count, most)):
            yield self.block(self.words.pointer(listed.address + 8 * number))

    def count(self) -> int:
        """How many blocks there are.

        Raises:
            HoleError: as `at`.
        """
        return self.blocks_of(self.address).count

    def block(self, address: int) -> WasmBlock:
        """The block whose record is at `address`, confirmed.

        Raises:
            HoleError: it is not there, or is none.
        """
        raise NotImplementedError

    def _start(self, listed: Vector, number: int) -> int:
        raise NotImplementedError

    def map_of(self, code: int) -> int | None:
        """The address of the map that a `Code` has of its own; None where it has none."""
        return None if self.layout.own_map is None else code + self.layout.own_map

    def range_at(self, block: WasmBlock, pc: int) -> WasmRange | None:
        """The range of `block` that holds `pc`.

        Raises:
            HoleError: the ranges are not there.
        """
        offset, size = pc - block.start, self.layout.range_size
        ranges = block.ranges
        count = at_most(
            ranges.count, lambda number: self.words.number(ranges.address + size * number), offset
        )
        if not count:
            return None
        found = self._range(block, count - 1)
        return found if found.start <= pc < found.end else None

    def ranges(self, block: WasmBlock) -> Iterator[WasmRange]:
        """All ranges of a block, in their order.

        Raises:
            HoleError: as `range_at`.
        """
        return (self._range(block, number) for number in range(block.ranges.count))

    def _range(self, block: WasmBlock, number: int) -> WasmRange:
        layout = self.layout
        data = self.words.bytes(
            block.ranges.address + number * layout.range_size, layout.range_size
        )
        begin, _, end, function = struct.unpack_from("<4I", data)
        kind, kinds = data[layout.range_kind], layout.range_kinds
        if not begin <= end <= block.end - block.start or kind >= len(kinds):
            raise damaged(f"range {number} of the block at {block.address:#x}")
        return WasmRange(block.start + begin, block.start + end, kinds[kind], function)

    def function_name(self, code: int, function: int) -> str | None:
        """As SpiderMonkey's own backtraces call it: "module.function"; None where it has no name.

        Args:
            code: address of the `Code`.
            function: its index.

        Raises:
            HoleError: names are there and cannot be read.
        """
        words, layout = self.words, self.layout
        meta = words.pointer(code + layout.meta)
        if words.number(meta + layout.has_names, 1) != 1:
            return None
        functions = self._vector(meta + layout.functions, MOST_RANGES)
        if function >= functions.count:
            return None
        name = self._text(code, functions.address + 8 * function)
        if not name:
            return None
        module = self._text(code, meta + layout.module)
        return f"{module}.{name}" if module else name

    def _text(self, code: int, place: int) -> str:
        """A name, by where in the text of all names it is, and its length."""
        holder, at = self.layout.names
        text = self._vector(self.words.pointer(self.words.pointer(code + holder) + at) + 8)
        offset, length = struct.unpack("<2I", self.words.bytes(place, 8))
        if offset + length > text.count:
            raise damaged(f"a name at {place:#x} is not in the text of the names")
        return self.words.bytes(text.address + offset, min(length, 1 << 10)).decode(
            "utf-8", "replace"
        )

    def file(self, code: int) -> str:
        """The script that has compiled the module, as SpiderMonkey says it.

        Raises:
            HoleError: it is not there.
        """
        at = self.words.pointer(code + self.layout.meta)
        for offset in self.layout.file:
            at = self.words.pointer(at + offset)
        return self.words.text(at) if at else ""

    def bytecode_at(self, block: WasmBlock, pc: int) -> int | None:
        """Where in the module the call is that returns to `pc`; None where none does.

        Raises:
            HoleError: the table of calls is not there.
        """
        raise NotImplementedError

    def _vector(self, address: int, most: int = MOST_RANGES) -> Vector:
        start, count, capacity = self.words.words(address, 3)
        if not count <= capacity or count > most:
            raise damaged(f"the list at {address:#x} has {count} of {capacity}")
        return Vector(self.words.strip(start), count)


class Segments(WasmCode):
    """Version 128: the map is of segments."""

    _TIERS: ClassVar = {0: "BaselineTier", 1: "OptimizedTier"}

    def _start(self, listed: Vector, number: int) -> int:
        return self.words.pointer(self.words.pointer(listed.address + 8 * number))

    def block(self, address: int) -> WasmBlock:
        """As any version has it."""
        words = self.words
        start, _, size_and_kind, owner, tier_and_flag = words.words(address, 5)
        start, owner = words.strip(start), words.strip(owner)
        length, kind, tier = size_and_kind & 0xFFFF_FFFF, size_and_kind >> 32, tier_and_flag >> 32
        code, details, module = map(words.strip, words.words(owner, 3))
        if kind > 1 or module == 0 or (kind == 1 and module != address):
            raise damaged(f"the segment at {address:#x} is not its owner's")
        if words.pointer(module + 0x18) != owner or (kind == 1 and tier not in self._TIERS):
            raise damaged(f"the segment at {address:#x} is not its owner's")
        if kind == 0:
            ranges = self._vector(address + 0x28)
            return WasmBlock(address, None, KINDS[3], start, start + length, code, ranges)
        return WasmBlock(
            address,
            None,
            self._TIERS[tier],
            start,
            start + length,
            code,
            self._vector(details + 0x40),
            self._vector(details + 0x58),
        )

    def bytecode_at(self, block: WasmBlock, pc: int) -> int | None:
        """As any version has it."""
        calls = block.calls
        if not isinstance(calls, Vector):
            return None
        offset, words = pc - block.start, self.words
        count = at_most(calls.count, lambda at: words.number(calls.address + 8 * at + 4), offset)
        if not count or words.number(calls.address + 8 * count - 4) != offset:
            return None
        return words.number(calls.address + 8 * count - 8) & _CALL or None


class Blocks(WasmCode):
    """Version 140: the map is of blocks."""

    def _start(self, listed: Vector, number: int) -> int:
        return self.words.pointer(self.words.pointer(listed.address + 8 * number) + 0x20)

    def block(self, address: int) -> WasmBlock:
        """As any version has it."""
        words = self.words
        code, number, kind, segment, start, length = words.words(address, 6)
        code, segment, start = map(words.strip, (code, segment, start))
        number, kind = number & 0xFFFF_FFFF, kind & 0xFFFF_FFFF
        memory, capacity = words.pointer(segment + 8), words.number(segment + 0x10)
        if words.pointer(segment + 0x20) != code or kind >= len(KINDS):
            raise damaged(f"the block at {address:#x} is not of its memory's module")
        if not memory <= start <= start + length <= memory + capacity:
            raise damaged(f"the block at {address:#x} is not in its memory")
        ranges, lines, returns = (self._vector(address + at) for at in (0x70, 0xC0, 0xD8))
        if lines.count != returns.count:
            raise damaged(f"the calls of the block at {address:#x}")
        end = start + length
        return WasmBlock(address, number, KINDS[kind], start, end, code, ranges, (lines, returns))

    def bytecode_at(self, block: WasmBlock, pc: int) -> int | None:
        """As any version has it."""
        if not isinstance(block.calls, tuple):
            return None
        lines, returns = block.calls
        offset, words = pc - block.start, self.words
        count = at_most(returns.count, lambda at: words.number(returns.address + 4 * at), offset)
        if not count or words.number(returns.address + 4 * count - 4) != offset:
            return None
        return words.number(lines.address + 4 * count - 4) or None


FORMS: dict[int, type[WasmCode]] = {128: Segments, 140: Blocks}


def map_at(words: Words, address: int) -> tuple[Vector, Vector] | None:
    """The two lists of a map at `address`: the one that is changed next, and the one that is read.

    None where there is no map.

    Raises:
        HoleError: the memory is not there.
    """
    first = address + _MAP
    found = words.words(first, 8)
    places = (first, first + _VECTOR)
    changed, read = map(words.strip, found[6:])
    if (changed, read) not in (places, places[::-1]):
        return None
    lists = {places[0]: found[:3], places[1]: found[3:6]}
    if any(not count <= capacity <= MOST_BLOCKS for _, count, capacity in lists.values()):
        return None
    one, other = (Vector(words.strip(lists[at][0]), lists[at][1]) for at in (changed, read))
    return one, other


def find_map(words: Words, variables: Sequence[tuple[int, int]]) -> int | Absent:
    """The address of the process's map.

    Args:
        words: the memory.
        variables: the spans of memory that have the library's variables.
    """
    left, tried = MOST_VARIABLES, set[int]()
    for start, end in variables:
        for at in range(start, min(end, start + left), _PIECE):
            length = min(_PIECE, end - at, start + left - at) & ~7
            try:
                pieces = words.words(at, length // 8)
            except HoleError:
                continue
            for value in pieces:
                address = words.strip(value)
                if address < _LOWEST or address % 16 or address in tried:
                    continue
                tried.add(address)
                try:
                    if map_at(words, address) is not None:
                        return address
                except HoleError:
                    continue
        left -= min(end - start, left)
    return Absent(Reason.UNKNOWN, "no map of wasm code among the library's variables")
