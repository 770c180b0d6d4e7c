"""V8's compiled code, by its address: which code object holds it, and what function that is of.

An instruction stream lies in executable memory: its map, its `Code` object, then the instructions.
The `Code` object, elsewhere, points back to it and to its first instruction, and has the size. That
the two agree confirms both. Optimised code names its function in its deoptimisation data; baseline
code is held by its function, which is searched for.

Sources: V8, src/objects/instruction-stream.h, code.h, code-kind.h, deoptimization-data.h.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from itertools import islice

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.code_pointers import CodePointers
from mtedbg.decode.jits.v8 import V8, JsFunction
from mtedbg.decode.jits.words import HoleError, Words, bounded

MOST_BEFORE = 1 << 22
"""Bytes in front of a PC in which its code begins at the latest."""
MOST_CODE = 1 << 28
"""Bytes of executable memory that are looked through for all code."""
_MOST_FOR_MAP = 1 << 23
_FAR, _NEAR = 1 << 20, 1 << 14
_WORD = 8
_KIND = 0xF
_LARGEST = 1 << 26
OPTIMISED = ("maglev", "turbofan")
_PAGE = 1 << 18
"""Pages of V8's heap are aligned to this."""
_TAGGED = bytes(range(1, 256, 8))
_PAIR = re.compile(b"(?s)(?=([%s].{5}\0\0[%s].{5}\0\0))" % ((re.escape(_TAGGED),) * 2))
"""A map and a `Code` object: two pointers with the tag of objects."""


@dataclass(frozen=True, slots=True)
class CodeForm:
    """Where things are in code objects, in bytes.

    Attributes:
        header: of an instruction stream: its instructions follow.
        held: in `Code`, of its deoptimisation data or its bytecode; then back to the stream, to the
            first instruction; flags and number of bytes follow.
        function: in the deoptimisation data, which of its elements leads to the function.
        is_wrapped: whether it does so by an object between the two.
        regexp: the kind of code that is a regular expression's; `NOT_KNOWN` where it is not.
        positions: in `Code`, of its table of positions; of baseline code, of its bytecode's places.
    """

    header: int
    held: int
    stream: int
    start: int
    flags: int
    size: int
    function: int
    is_wrapped: bool
    regexp: int
    positions: int


NOT_KNOWN = -1
CODE_FORMS = {
    (11, 3): CodeForm(16, 16, 32, 40, 48, 56, 6, is_wrapped=False, regexp=3, positions=24),
    (12, 4): CodeForm(32, 8, 32, 40, 48, 52, 6, is_wrapped=False, regexp=NOT_KNOWN, positions=16),
    (13, 6): CodeForm(32, 8, 32, 40, 52, 56, 7, is_wrapped=True, regexp=3, positions=16),
}
"""By V8's version, as `v8.FORMS`."""


@dataclass(frozen=True, slots=True)
class CodeObject:
    """A piece of compiled code in [start, end).

    Attributes:
        start: its first instruction.
        end: one past the last.
        kind: "baseline", "maglev", "turbofan", "regexp", or else "code".
        code: address of its `Code` object.
    """

    start: int
    end: int
    kind: str
    code: int


@dataclass(frozen=True, slots=True)
class Owner:
    """The function that code is of.

    Attributes:
        function: None where none was found.
        note: why that may be nothing but a limit; else empty.
        shared: address of what functions share of it; None where none was found.
    """

    function: JsFunction | None
    note: str = ""
    shared: int | None = None


class V8Code:
    """The compiled code of a process.

    Args:
        v8: its functions.
        form: where things are in code objects.
        searched: memory of the process; V8's own pages are searched first.

    Attributes:
        searched: the same.
        form: the same.
    """

    def __init__(self, v8: V8, form: CodeForm, searched: CodePointers) -> None:
        self._v8 = v8
        self.form = form
        self.searched = searched.in_order(lambda one: (one[0] % _PAGE != 0, one[0]))
        self._maps: list[int] | None = None
        self._owners: dict[int, Owner] = {}

    def over(self, words: Words) -> V8Code:
        """The same layout, for other memory of the same process."""
        return V8Code(self._v8.over(words), self.form, self.searched.over(words))

    def at(self, pc: int) -> CodeObject | None:
        """The code that holds `pc`; None where no code object does."""
        run = next((one for one in self.searched.runs if one[0] <= pc < one[1]), None)
        if run is None:
            return None
        lowest = max(run[0], pc - MOST_BEFORE)
        for at in self._streams_before(pc, lowest):
            found = self._code_of(at)
            if found is not None:
                return found if found.start <= pc < found.end else None
        return None

    @property
    def is_cut(self) -> bool:
        """Whether `all` does not look at all memory that may have code."""
        return sum(end - start for start, end in self.searched.runs) > MOST_CODE

    def all(self) -> Iterator[CodeObject]:
        """All code, in the order of addresses; of at most `MOST_CODE` bytes of memory."""
        for start, end in bounded(self.searched.runs, MOST_CODE):
            for piece, data in self._v8.words.pieces(start, end):
                for at in sorted(_found(data, piece, self._known_maps())):
                    found = self._code_of(at)
                    if found is not None:
                        yield found

    def owner(self, found: CodeObject) -> Owner:
        """The function that code is of."""
        if found.code not in self._owners:
            self._owners[found.code] = self._owner(found)
        return self._owners[found.code]

    # Instruction streams.

    def _code_of(self, at: int) -> CodeObject | None:
        """The code whose instruction stream is at `at`; None where none is."""
        form, words, known = self.form, self._v8.words, self._v8.known
        try:
            stream_map, code_word = words.words(at, 2)
            code = self._v8.object_at(code_word)
            if code is None or self._v8.object_at(stream_map) is None:
                return None
            if self._v8.object_at(words.word(code + form.stream)) != at:
                return None
            start = words.pointer(code + form.start)
            size = words.number(code + form.size)
            if start != at + form.header or not 0 < size <= _LARGEST:
                return None
            if self._v8.type_of(at) != known["stream type"]:
                return None
            if self._v8.type_of(code) != known["code type"]:
                return None
            kind = words.number(code + form.flags) & _KIND
        except HoleError:
            return None
        return CodeObject(start, start + size, self._kind(kind), code)

    def _kind(self, number: int) -> str:
        """The word for a kind; they are numbered in this order."""
        baseline = self._v8.known["baseline"]
        names = {self.form.regexp: "regexp", baseline: "baseline"}
        names |= {baseline + 1: "maglev", baseline + 2: "turbofan"}
        return names.get(number, "code")

    def _known_maps(self) -> list[int]:
        """The maps of instruction streams, by the first streams that are found."""
        if self._maps is None:
            found: set[int] = set()
            firsts = ((start, min(end, start + _MOST_FOR_MAP)) for start, end in self.searched.runs)
            for start, end in bounded(firsts, MOST_CODE):
                for at in islice(self._pairs(start, end), 1):
                    found.add(self._v8.words.word(at))
            self._maps = sorted(found)
        return self._maps

    def _pairs(self, start: int, end: int) -> Iterator[int]:
        """Instruction streams, by their shape alone."""
        for piece, data in self._v8.words.pieces(start, end):
            for match in _PAIR.finditer(data):
                at = piece + match.start()
                if at % _WORD == 0 and self._code_of(at) is not None:
                    yield at

    def _streams_before(self, pc: int, lowest: int) -> Iterator[int]:
        """Where an instruction stream may be, the last one before `pc` first."""
        end, size = pc // _WORD * _WORD + _WORD, _NEAR
        maps = self._known_maps()
        while end > lowest and maps:
            start = max(lowest, end - size)
            for piece, data in reversed([*self._v8.words.pieces(start, end)]):
                yield from sorted(_found(data, piece, maps), reverse=True)
            end, size = start, _FAR

    # Functions.

    def _owner(self, found: CodeObject) -> Owner:
        try:
            if found.kind in OPTIMISED:
                shared = self.shared_of_optimised(found)
                function = None if shared is None else self._v8.described(shared)
                return Owner(function, shared=shared)
            if found.kind == "baseline":
                return self._holder(found)
        except HoleError:
            return Owner(None)
        return Owner(None)

    def deoptimisation(self, found: CodeObject) -> int | None:
        """Where the data are by which optimised code goes back to bytecode; None of other code."""
        if found.kind not in OPTIMISED:
            return None
        return self._v8.object_at(self._v8.words.word(found.code + self.form.held))

    def element(self, array: int, number: int) -> int | None:
        """The object that is an element of an array, which may refer to it weakly.

        Raises:
            HoleError: the array is not there.
        """
        v8 = self._v8
        if not 0 <= number < v8.words.word(array + v8.known["array length"]) >> 32:
            return None
        value = v8.words.word(array + v8.known["array data"] + _WORD * number)
        return v8.object_at(value & ~v8.known["tag mask"] | v8.known["tag"] if value & 1 else 0)

    def shared_of_optimised(self, found: CodeObject) -> int | None:
        """What functions share, of the function that was optimised.

        Raises:
            HoleError: it is not there.
        """
        held = self.deoptimisation(found)
        shared = None if held is None else self.element(held, self.form.function)
        if shared is not None and self.form.is_wrapped:
            shared = self._v8.object_at(self._v8.words.word(shared + _WORD))
        return shared if self.is_shared(shared) else None

    def is_shared(self, shared: int | None) -> bool:
        """Whether it is what functions share.

        Raises:
            HoleError: it is not there.
        """
        return shared is not None and self._v8.type_of(shared) == self._v8.known["shared type"]

    def _holder(self, found: CodeObject) -> Owner:
        """The function that holds baseline code: its first field is the code."""
        for at in self.searched.places(found.code + self._v8.known["tag"]):
            try:
                is_shared = self.is_shared(at - _WORD)
            except HoleError:
                continue
            if is_shared:
                return Owner(self._v8.described(at - _WORD), shared=at - _WORD)
        return Owner(None, self.searched.limit)


def _found(data: bytes, start: int, maps: Sequence[int]) -> Iterator[int]:
    for one in maps:
        yield from _places(data, start, struct.pack("<Q", one))


def _places(data: bytes, start: int, wanted: bytes) -> Iterator[int]:
    """The addresses of aligned words that are `wanted`."""
    at = data.find(wanted)
    while at >= 0:
        if (start + at) % _WORD == 0:
            yield start + at
        at = data.find(wanted, at + 1)
