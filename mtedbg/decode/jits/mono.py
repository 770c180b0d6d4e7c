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

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.code_pointers import CodePointers, CodeRecords
from mtedbg.decode.jits.words import HoleError

_WORD, _SIZE = 8, 4
_LOWEST = 1 << 24
"""No method is at a lower address."""
_LARGEST = 1 << 24
_LONGEST_NAME = 1 << 9
_NAME = re.compile(r"[\w.<>`+@$:|/\\,\[\] =&*()-]+")
_MISSING = "?"


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


class Methods(CodeRecords[Method]):
    """The compiled methods of a process.

    Args:
        searched: its memory.
        form: of the version.

    Attributes:
        form: the same.
    """

    def __init__(self, searched: CodePointers, form: MonoForm) -> None:
        super().__init__(searched, form.code, form.size + _SIZE)
        self.form = form

    def _span(self, data: bytes) -> tuple[int, int] | None:
        (start,) = struct.unpack_from("<Q", data, self.form.code)
        (size,) = struct.unpack_from("<I", data, self.form.size)
        (method,) = struct.unpack_from("<Q", data)
        if size > _LARGEST or method % _WORD or method < _LOWEST:
            return None
        return start, size

    def _read(self, at: int) -> Method | None:
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
