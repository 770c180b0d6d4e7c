"""PyPy's traces, by the map that it keeps for profilers, and how its frames are left.

The map is a list with levels in the C heap: of each piece of machine code its address and size, and
which functions were inlined where, by numbers. The functions' own objects have these numbers.

A frame has the return address and the frame register of its caller at the stack pointer, and
further up what tells a profiler of it: the stack pointer itself, and a mark.

Sources: PyPy, rpython/jit/backend/llsupport/src/skiplist.c and codemap.c, codemap.py;
rpython/jit/backend/aarch64/assembler.py; rpython/rlib/rvmprof; pypy/interpreter/pycode.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.code_pointers import CodePointers
from mtedbg.decode.jits.words import HoleError

MOST = 1 << 16
_WORD = 8
_LOWEST = 1 << 24
"""No string is at a lower address."""
_NODE, _HIGHEST = 0x10, 8
_LARGEST, _MOST_INFO = 1 << 26, 1 << 16
_ENTRY = 4
"""Words of the map for a function: its number, where it begins and ends, what follows behind."""
_LONGEST_TEXT = 1 << 10
_MOST_LINE = 1 << 22
_NEAR = 8
"""Words that a call may have pushed below what a frame begins with."""


@dataclass(frozen=True, slots=True)
class CodeForm:
    """Where things are in the object of a function's code, in bytes.

    Attributes:
        number: by which the map knows it.
        name: its name, of which it has two.
        other_name: the other.
        file: of its source.
        line: where it begins.
        frame: bytes of a frame of compiled code.
        saved: in that, of x19 and x20.
        stack: in that, of its own address.
        mark: in that, of what follows.
    """

    number: int
    name: int
    other_name: int
    file: int
    line: int
    frame: int = 80
    saved: int = 64
    stack: int = 40
    mark: int = 48

    @property
    def whole(self) -> int:
        """Bytes of the object that are read."""
        return max(self.number, self.name, self.other_name, self.file, self.line) + _WORD


FORMS = {"3.11 7.3.19": CodeForm(0x50, 0xC8, 8, 0x80, 0x88)}
"""By the version of Python and of PyPy."""
MARK = 3
"""Of a frame of compiled code (VMPROF_JITTED_TAG)."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Machine code in [start, end).

    Attributes:
        start: its first instruction.
        end: one past the last.
        map: address and number of words of its functions.
    """

    start: int
    end: int
    map: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PyFunction:
    """A function, by its name, file, and the line where it begins."""

    name: str
    file: str
    line: int


class Traces:
    """The compiled code of a process.

    Args:
        searched: its memory.
        form: of the version.

    Attributes:
        searched: the same.
        form: the same.
        limit: what was not looked at for traces, in words; empty where all was.
    """

    def __init__(self, searched: CodePointers, form: CodeForm) -> None:
        self.searched = searched
        self.form = form
        self.limit = searched.limit
        self._words = searched.words
        self._known: list[Trace] | None = None
        self._functions: dict[int, PyFunction | None] = {}

    def all(self) -> Sequence[Trace]:
        """All of them, at most `MOST`, in the order of addresses."""
        if self._known is None:
            self._known = sorted(self._found(), key=lambda one: one.start)
        return self._known

    def at(self, pc: int) -> Trace | None:
        """The one that holds `pc`; None where none does."""
        return next((one for one in self.all() if one.start <= pc < one.end), None)

    def functions(self, trace: Trace, pc: int) -> list[PyFunction]:
        """Those that an instruction is of, the innermost first, as far as they are found."""
        try:
            numbers = self._numbers(trace, pc - trace.start)
        except HoleError:
            return []
        found = [self._function(number) for number in reversed(numbers)]
        return [one for one in found if one is not None]

    def unwound(self, registers: Mapping[str, int]) -> dict[str, int] | None:
        """The registers of the caller of a frame; None where no frame is at the stack pointer."""
        form = self.form
        for near in range(_NEAR):
            sp = registers["sp"] + _WORD * near
            try:
                frame = self._words.words(sp, form.frame // _WORD)
            except HoleError:
                return None
            if frame[form.stack // _WORD] != sp or frame[form.mark // _WORD] != MARK:
                continue
            caller = {name: value for name, value in registers.items() if _is_kept(name)}
            saved = form.saved // _WORD
            caller |= {"x19": frame[saved], "x20": frame[saved + 1]}
            return {**caller, "pc": self._words.strip(frame[0]), "x29": frame[1],
                    "sp": sp + form.frame}  # fmt: skip
        return None

    # The map.

    def _found(self) -> Iterator[Trace]:
        nodes = {at: (key, data) for at, key, data in islice(self._nodes(), MOST)}
        if len(nodes) == MOST:
            self.limit = f"the first {MOST} places that may be traces were looked at, and no more"
        for at, (key, data) in nodes.items():
            try:
                following = self._words.pointer(at + _NODE)
                if following and (following not in nodes or nodes[following][0] <= key):
                    continue
                size, count, info = struct.unpack("<IIQ", self._words.bytes(data, 16))
                trace = Trace(key, key + size, (self._words.strip(info), count))
                if 0 < size <= _LARGEST and self._is_map(trace):
                    yield trace
            except HoleError:
                continue

    def _nodes(self) -> Iterator[tuple[int, int, int]]:
        """What may be a node of the list: where, of what address, and where its data are."""
        for at, data in self.searched.records(0, 2 * _WORD):
            key, own = struct.unpack("<QQ", data)
            levels = (own - at - _NODE) // _WORD
            if 1 <= levels <= _HIGHEST and not own % _WORD:
                yield at, key, own

    def _is_map(self, trace: Trace) -> bool:
        """Whether a map is one: functions lie in the code, and what follows is behind."""
        at, count = trace.map
        if count % _ENTRY or count > _MOST_INFO:
            return False
        size = trace.end - trace.start
        entries = self._words.words(at, count) if count else ()
        return all(
            0 <= entries[one + 1] <= entries[one + 2] <= size and one < entries[one + 3] <= count
            for one in range(0, count, _ENTRY)
        )

    def _numbers(self, trace: Trace, offset: int) -> list[int]:
        """The numbers of the functions that an instruction is of, the outermost first."""
        at, count = trace.map
        entries = self._words.words(at, count) if count else ()
        found, place = [], 0
        while place + _ENTRY <= count:
            number, start, stop, following = entries[place : place + _ENTRY]
            if start > offset:
                break
            if stop > offset:
                if number:
                    found.append(number)
                place += _ENTRY
            else:
                place = max(following, place + _ENTRY)
        return found

    # Functions.

    def _function(self, number: int) -> PyFunction | None:
        if number not in self._functions:
            self._functions[number] = self._search(number)
        return self._functions[number]

    def _search(self, number: int) -> PyFunction | None:
        """The function of which an object has the number, two names alike, a file and a line."""
        places = (self._code(at - self.form.number) for at in self.searched.places(number))
        return next((found for found in places if found is not None), None)

    def _code(self, at: int) -> PyFunction | None:
        form = self.form
        try:
            data = self._words.bytes(at, form.whole)
            name, other, file, line = (
                struct.unpack_from("<Q", data, place)[0]
                for place in (form.name, form.other_name, form.file, form.line)
            )
            if not 0 < line <= _MOST_LINE or name % _WORD or other % _WORD or file % _WORD:
                return None
            names = self._text(name), self._text(other)
            path = self._text(file)
        except HoleError:
            return None
        if not all(names) or not path or not names[1].endswith(names[0]):
            return None
        return PyFunction(names[1], path, line)

    def _text(self, at: int) -> str:
        """A string of PyPy's: a header, a hash, its length, its bytes; empty of what is none."""
        if at < _LOWEST:
            return ""
        length = self._words.word(at + 2 * _WORD)
        if not 0 < length <= _LONGEST_TEXT:
            return ""
        found = self._words.bytes(at + 3 * _WORD, length).decode("utf-8", "replace")
        return found if found.isprintable() and "\ufffd" not in found else ""


def _is_kept(name: str) -> bool:
    """Whether compiled code leaves a register as it was: x21 to x28."""
    return name.startswith("x") and name[1:].isdigit() and 21 <= int(name[1:]) <= 28
