"""V8's built-in code, whose functions have no symbols in a library that is stripped.

The library has all of it in one piece, and beside it data that say where each function begins and
how long it is. Two words in the library's variables lead to both. The functions' names are in a
table of their own, in the same order. Nothing of that is exported. It is found by its shape, and
believed where all of it agrees: as many names as descriptions, and functions that lie one after the
other without overlapping.

Sources: V8, src/snapshot/embedded/embedded-data.h; src/builtins/builtins.cc (its metadata).
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import Absent, Reason

PREFIX = "Builtins_"
"""What V8's build puts before the names in symbols."""
_HASHES = 24
_STRIDES = (12, 32)
"""Bytes of one description: since V8 12, and before."""
_FIRST = b"\0DeoptimizationEntry_Eager\0"
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*\0")
_LONGEST_NAME = 128
_METADATA = 24
_MOST, _FEWEST = 1 << 13, 200
_WIDEST_GAP = 512
_PAGE = 4096
"""The code begins at one."""
_NEAR = 8
"""Words between the two that lead to the code and to its data; compilers choose their order."""
_MOST_CODE, _LONGEST, _AROUND = 1 << 26, 1 << 20, 1 << 22
_MOST_VARIABLES, _MOST_CONSTANTS = 1 << 22, 1 << 27
_WORD, _PIECE = 8, 1 << 15


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A function in [start, end), with its name as symbols have it."""

    start: int
    end: int
    name: str


class BuiltIns:
    """All of them, in the order of addresses."""

    def __init__(self, functions: Sequence[BuiltIn]) -> None:
        self.functions = sorted(functions, key=lambda one: one.start)
        self._starts = [one.start for one in self.functions]

    def at(self, pc: int) -> BuiltIn | None:
        """The one that holds `pc`; None where none does."""
        index = bisect_right(self._starts, pc) - 1
        found = self.functions[index] if index >= 0 else None
        return found if found is not None and pc < found.end else None


Spans = Sequence[tuple[int, int]]


def built_ins(words: Words, code: Spans, constants: Spans, variables: Spans) -> BuiltIns | Absent:
    """Those of a library.

    Args:
        words: memory of the process.
        code: its executable memory, first addresses and ends.
        constants: its memory that is not written, that of `code` too where it has both.
        variables: its other memory.

    Returns:
        Absent where they are not found, or do not agree.
    """
    try:
        for text, data in _pairs(words, code, constants, variables):
            for stride in _STRIDES:
                if not _may_describe(words, data, stride):
                    continue
                names = _names(words, data, constants, variables)
                found = _described(words, text, data, stride, names) if names else None
                if found is not None:
                    return found
    except HoleError as hole:
        return hole.why
    return Absent(Reason.UNKNOWN, "V8's table of what is built in is not found")


def _may_describe(words: Words, data: int, stride: int) -> bool:
    """Whether descriptions seem to begin there: so many functions lie in one place."""
    try:
        table = words.bytes(data + _HASHES, stride * _FEWEST)
    except HoleError:
        return False
    parts = (struct.unpack_from("<II", table, at) for at in range(0, len(table), stride))
    return all(offset < _MOST_CODE and _is_length(length) for offset, length in parts)


def _is_length(length: int) -> bool:
    return 0 < length < _LONGEST and not length % 4


def _names(words: Words, data: int, constants: Spans, variables: Spans) -> list[str]:
    """The names, by the first one, which is looked for near `data` before elsewhere."""
    smallest = sorted((*variables, *constants), key=lambda one: one[1] - one[0])
    for at in _places(words, _nearest(constants, data), _FIRST):
        for table in _places(words, smallest, struct.pack("<Q", at + 1)):
            if table % _WORD == 0:
                found = _names_at(words, table)
                if len(found) >= _FEWEST:
                    return found
    return []


def _nearest(spans: Spans, place: int) -> Spans:
    """The same spans, what is around `place` first."""
    low, high = place - _AROUND, place + _AROUND
    parts = [(max(start, low), min(end, high)) for start, end in spans]
    parts += [(start, min(end, low)) for start, end in spans]
    parts += [(max(start, high), end) for start, end in spans]
    return [(start, end) for start, end in parts if start < end]


def _names_at(words: Words, table: int) -> list[str]:
    found = []
    for number in range(_MOST):
        try:
            address = words.pointer(table + _METADATA * number)
            match = _NAME.match(words.bytes(address, _LONGEST_NAME))
        except HoleError:
            break
        if match is None:
            break
        found.append(match[0][:-1].decode("ascii"))
    return found


def _pairs(
    words: Words, code: Spans, constants: Spans, variables: Spans
) -> Iterator[tuple[int, int]]:
    """Words near each other that may lead to the code and to its data."""
    low, high = _bounds(code)
    lowest, highest = _bounds(constants)
    left = _MOST_VARIABLES
    for start, end in variables:
        for begin in range(start, min(end, start + left), _PIECE):
            for _, data in words.pieces(begin, min(end, begin + _PIECE)):
                whole = memoryview(data)[: len(data) // _WORD * _WORD].cast("Q")
                for at, text in enumerate(whole):
                    if low <= text < high and not text % _PAGE:
                        near = whole[max(at - _NEAR, 0) : at + _NEAR + 1]
                        yield from ((text, one) for one in near if lowest <= one < highest)
        left -= min(left, end - start)


def _bounds(spans: Spans) -> tuple[int, int]:
    return min((one for one, _ in spans), default=0), max((one for _, one in spans), default=0)


def _described(
    words: Words, text: int, data: int, stride: int, names: Sequence[str]
) -> BuiltIns | None:
    try:
        table = words.bytes(data + _HASHES, stride * len(names))
    except HoleError:
        return None
    found, where = [], []
    for at, name in zip(range(0, len(table), stride), names, strict=True):
        offset, length = struct.unpack_from("<II", table, at)
        where.append((offset, length))
        found.append(BuiltIn(text + offset, text + offset + length, PREFIX + name))
    end = 0
    for offset, length in sorted(where):
        if not end <= offset <= end + _WIDEST_GAP or not _is_length(length):
            return None
        end = offset + length
    return BuiltIns(found)


def _places(words: Words, spans: Spans, wanted: bytes) -> Iterator[int]:
    left = _MOST_CONSTANTS
    for start, end in spans:
        before = b""
        for piece, data in words.pieces(start, min(end, start + left)):
            joined = before + data
            at = joined.find(wanted)
            while at >= 0:
                yield piece - len(before) + at
                at = joined.find(wanted, at + 1)
            before = joined[-len(wanted) + 1 :]
        left -= min(left, end - start)
