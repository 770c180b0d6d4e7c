"""Mono's compiled methods, by the records that it keeps of them.

A `MonoJitInfo` has the method, where its code begins and how long it is. Such records are looked
for by addresses of code. One is believed where its method has a class, which begins with its
element's class, which is its own element's. Names may be in the mapped file of an assembly, which a
core has not.

Sources: Mono, mono/metadata/domain-internals.h (`_MonoJitInfo`), class-internals.h (`_MonoMethod`),
class-private-definition.h (`_MonoClass`).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.code_pointers import code_pointers
from mtedbg.decode.jits.words import HoleError, Words

MOST_SEARCHED, MOST_LIVE = 1 << 29, 1 << 24
"""Bytes that are searched for records, of a dead process and of a live one."""
MOST = 1 << 16
_WORD = 8
_LOWEST = 1 << 24
"""No method is at a lower address."""
_LARGEST = 1 << 24
_LONGEST_NAME = 1 << 9
_NAME = re.compile(r"[\w.<>`+@$:|/\\,\[\] =&*()-]+")
_MISSING = "?"
_MOST_CANDIDATES = 1 << 18


@dataclass(frozen=True, slots=True)
class MonoForm:
    """Where things are, in bytes.

    Attributes:
        code: in a record, of the address of the code; it begins with its method.
        size: in a record, of its number of bytes.
        owner: in a method, of its class.
        name: in a method, of its name.
        class_name: in a class, of its name; that of its name space follows.
    """

    code: int
    size: int
    owner: int
    name: int
    class_name: int


FORMS = {(6, 12): MonoForm(0x10, 0x1C, 8, 0x18, 0x40)}
"""By Mono's version."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method whose code is in [start, end).

    Attributes:
        start: its first instruction.
        end: one past the last.
        name: as Mono has it in stack traces, "Name.Space.Class:Method"; "?" stands for what is not
            in memory; empty where nothing of it is.
    """

    start: int
    end: int
    name: str


class Methods:
    """The compiled methods of a process.

    Args:
        words: its memory.
        form: of the version.
        runs: executable memory that is no file's: first addresses and ends.
        heaps: other memory that may be written, the C heap first.
        most: bytes of `heaps` that are searched.
    """

    def __init__(
        self,
        words: Words,
        form: MonoForm,
        runs: Sequence[tuple[int, int]],
        heaps: Sequence[tuple[int, int]],
        most: int = MOST_SEARCHED,
    ) -> None:
        self._words = words
        self.form = form
        self._runs = runs
        self._heaps = heaps
        self._most = most
        self._known: list[tuple[int, int, int]] | None = None

    def over(self, words: Words) -> Methods:
        """The same, for other memory of the same process."""
        return Methods(words, self.form, self._runs, self._heaps, self._most)

    def at(self, pc: int) -> Method | None:
        """The method whose code holds `pc`; None where none is known to."""
        for start, size, at in self._candidates():
            if start <= pc < start + size:
                found = self._method(at)
                if found is not None and found.start <= pc < found.end:
                    return found
        return None

    def all(self) -> Iterator[Method]:
        """All of them, in the order of addresses."""
        last = None
        for _, _, at in self._candidates():
            found = self._method(at)
            if found is not None and found.start != last:
                last = found.start
                yield found

    def _candidates(self) -> list[tuple[int, int, int]]:
        """What may be a record: where its code would be, how long, and its own address."""
        if self._known is None:
            self._known = sorted(self._found())
        return self._known

    def _found(self) -> Iterator[tuple[int, int, int]]:
        form, count = self.form, 0
        for piece, data, place in code_pointers(self._words, self._runs, self._heaps, self._most):
            at = place - form.code
            if at < 0 or at % _WORD or at + form.size + 4 > len(data):
                continue
            (start,) = struct.unpack_from("<Q", data, at + form.code)
            (size,) = struct.unpack_from("<I", data, at + form.size)
            (method,) = struct.unpack_from("<Q", data, at)
            if not 0 < size <= _LARGEST or start % 4 or method % _WORD or method < _LOWEST:
                continue
            if any(one <= start and start + size <= other for one, other in self._runs):
                count += 1
                if count > _MOST_CANDIDATES:
                    return
                yield start, size, piece + at

    def _method(self, at: int) -> Method | None:
        """The method of a record at `at`; None where none is."""
        form, words = self.form, self._words
        try:
            start = words.pointer(at + form.code)
            size = words.number(at + form.size)
            method = words.pointer(at)
            owner = words.pointer(method + form.owner)
            element = words.pointer(owner)
            if words.pointer(element) != element or not 0 < size <= _LARGEST:
                return None
            names = [words.pointer(method + form.name)]
            names += map(words.strip, words.words(owner + form.class_name, 2))
        except HoleError:
            return None
        name, class_name, space = map(self._name, names)
        if not name or not class_name:
            return None
        owner_name = f"{space}.{class_name}" if space and class_name != _MISSING else class_name
        whole = f"{owner_name}:{name}"
        return Method(start, start + size, "" if whole == f"{_MISSING}:{_MISSING}" else whole)

    def _name(self, at: int) -> str:
        """A name, "?" of one that is not in memory; empty of what is none."""
        try:
            found = self._words.text(at, _LONGEST_NAME)
        except HoleError:
            return _MISSING
        return found if _NAME.fullmatch(found) else ""
