"""Lines within V8's compiled code, and the functions that are inlined there.

Optimised code has a table of positions: of an offset in it, where in a script, and into which call
the function of that script was inlined. Baseline code has a table of how many bytes each
instruction of the bytecode has become; how long these are is a table of the library, found by how
it begins, and confirmed by the same table for operands of two bytes and of four.

Source: V8, src/codegen/source-position.h, src/codegen/source-position-table.cc,
src/baseline/bytecode-offset-iterator.h, src/interpreter/bytecodes.h.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mtedbg.decode.jits.v8 import INLINING, V8, JsFunction, inlined_call, script_position
from mtedbg.decode.jits.v8_code import OPTIMISED, CodeObject, V8Code
from mtedbg.decode.jits.words import HoleError, Words

_BEGIN = bytes((1, 1, 1, 1, 1, 2, 3, 4, 5, 5, 6))
"""Sizes of Wide, ExtraWide, DebugBreakWide, DebugBreakExtraWide and DebugBreak0 to 6."""
_WIDER = (bytes((1, 1, 1, 1, 1, 3, 5, 7, 9, 7, 9)), bytes((1, 1, 1, 1, 1, 5, 9, 13, 17, 11, 15)))
_FEWEST, _MOST = 128, 256
"""Instructions of bytecode that there are: a byte numbers them."""
_LONGEST = 64
_SCALES = {0: 1, 1: 2, 2: 1, 3: 2}
"""The prefixes, and which table is of the instruction after each."""
_PIECE = 1 << 20
_POSITION_SIZE = 16
_DEEPEST = 64
_MOST_BYTES = 1 << 24
_ENTRY = -1
_NOT_INLINED = 0xFFFF_FFFF


class V8Lines:
    """Where in scripts compiled code is.

    Args:
        v8: the functions of the process.
        code: its code.
        library: memory of V8's library that may hold its tables: first addresses and ends.
        most: bytes of it that are searched.
    """

    def __init__(
        self, v8: V8, code: V8Code, library: Sequence[tuple[int, int]], most: int = 1 << 28
    ) -> None:
        self._v8 = v8
        self._code = code
        self._library = library
        self._most = most
        self._sizes: tuple[bytes, ...] | None = None

    def over(self, words: Words) -> V8Lines:
        """The same, for other memory of the same process."""
        other = V8Lines(self._v8.over(words), self._code.over(words), self._library, self._most)
        other._sizes = self._sizes
        return other

    def at(self, found: CodeObject, pc: int, shared: int | None) -> list[JsFunction]:
        """The functions that an instruction of compiled code is of, the innermost first.

        Args:
            found: the code.
            pc: of the instruction, in it.
            shared: of the function that was compiled.

        Returns:
            Nothing where it is not told; else the last is the function that was compiled.
        """
        try:
            if shared is None or not self._code.is_shared(shared):
                return []
            if found.kind in OPTIMISED:
                return self._optimised(found, pc - found.start, shared)
            if found.kind == "baseline":
                return self._baseline(found, pc - found.start, shared)
        except HoleError:
            return []
        return []

    def _optimised(self, found: CodeObject, offset: int, shared: int) -> list[JsFunction]:
        table = self._v8.object_at(self._v8.words.word(found.code + self._code.form.positions))
        raw = None if table is None else self._v8.raw_position(table, offset)
        if raw is None:
            return []
        functions: list[JsFunction] = []
        for _ in range(_DEEPEST):
            position = script_position(raw)
            call = inlined_call(raw)
            if position is None:
                return []
            if not call:
                return [*functions, self._v8.described(shared, position=position)]
            inlined = self._inlined(found, call - 1)
            if inlined is None:
                return []
            raw, function = inlined
            inner = shared if function is None else function
            functions.append(self._v8.described(inner, position=position))
        return []

    def _inlined(self, found: CodeObject, number: int) -> tuple[int, int | None] | None:
        """Where a call is that was replaced, and what by; None where that is not told."""
        v8, words = self._v8, self._v8.words
        if any(key not in v8.known for key in INLINING):
            return None
        held = self._code.deoptimisation(found)
        if held is None:
            return None
        calls = self._code.element(held, v8.known["inlining positions"])
        literals = self._code.element(held, v8.known["literals"])
        if calls is None or literals is None:
            return None
        size = words.word(calls + v8.known["array length"]) >> 32
        if not (number + 1) * _POSITION_SIZE <= size <= _MOST_BYTES:
            return None
        at = calls + v8.known["array data"] + number * _POSITION_SIZE
        raw, function = words.word(at), words.number(at + 8)
        if function == _NOT_INLINED:
            return raw, None
        shared = self._code.element(literals, function)
        return (raw, shared) if shared is not None and self._code.is_shared(shared) else None

    def _baseline(self, found: CodeObject, offset: int, shared: int) -> list[JsFunction]:
        v8, words = self._v8, self._v8.words
        bytecode = v8.bytecode(words.word(found.code + self._code.form.held))
        table = v8.object_at(words.word(found.code + self._code.form.positions))
        if bytecode is None or table is None:
            return []
        size = words.word(table + v8.known["array length"]) >> 32
        if not 0 < size <= _MOST_BYTES:
            return []
        lengths = [*_numbers(words.bytes(table + v8.known["array data"], size))]
        starts = [_ENTRY, *self._instructions(bytecode[1])]
        # Each has its code, as the one before the first has: else they are of something else.
        if len(starts) != len(lengths) or sum(lengths) > found.end - found.start:
            return []
        end = 0
        for start, length in zip(starts, lengths, strict=True):
            end += length
            if offset < end:
                position = v8.position_of(bytecode[0], start)
                return [] if position is None else [v8.described(shared, position=position)]
        return []

    def _instructions(self, bytecode: bytes) -> list[int]:
        """Where the instructions of bytecode begin; none where they do not end with it."""
        sizes = self._tables()
        starts, at = [], 0
        while sizes and at < len(bytecode):
            starts.append(at)
            scale = _SCALES.get(bytecode[at])
            if scale is not None and at + 1 < len(bytecode):
                at += 1
            number = bytecode[at]
            if number >= len(sizes[0]):
                return []
            at += sizes[scale or 0][number]
        return starts if at == len(bytecode) else []

    def _tables(self) -> tuple[bytes, ...]:
        """How long instructions are with operands of one byte, of two and of four."""
        if self._sizes is None:
            found = {*self._found()}
            self._sizes = found.pop() if len(found) == 1 else ()
        return self._sizes

    def _found(self) -> Iterator[tuple[bytes, ...]]:
        left = self._most
        for start, end in self._library:
            # A table is not longer than this: pieces overlap by as much.
            for at in range(start, min(end, start + left), _PIECE):
                size = min(_PIECE + 3 * _MOST, end - at)
                for piece, data in self._v8.words.pieces(at, at + size):
                    yield from _tables_in(data, at_most=at + _PIECE - piece)
            left -= min(left, end - start)


def _tables_in(data: bytes, at_most: int) -> Iterator[tuple[bytes, ...]]:
    at = data.find(_BEGIN)
    while 0 <= at < at_most:
        wider = data.find(_WIDER[0], at + _FEWEST, at + _MOST + len(_BEGIN))
        count = wider - at
        if wider > 0 and data.startswith(_WIDER[1], at + 2 * count):
            tables = tuple(data[at + n * count : at + (n + 1) * count] for n in range(3))
            if all(len(one) == count and 0 < min(one) <= max(one) <= _LONGEST for one in tables):
                yield tables
        at = data.find(_BEGIN, at + 1)


def _numbers(data: bytes) -> Iterator[int]:
    """Numbers of seven bits a digit, the least first."""
    total = shift = 0
    for byte in data:
        total |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield total
            total = shift = 0
