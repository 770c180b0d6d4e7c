"""The schema: a runtime's own description of its records, as text.

The format is defined in `native/include/mtedbg/debug_root.h`. It is hostile input: its length,
lines and types are bounded, every field lies within its record. What is not known is ignored, so
that a newer runtime can say more. What is known and not well formed costs what it is about, and
whoever needs that: the record, the enum, the contract.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar

from mtedbg.dataclass import dataclass, field
from mtedbg.errors import LayoutError

T = TypeVar("T")

MAX_SIZE = 1 << 16
"""Bytes of text."""
_MAX_LINES = 4096
_MAX_RECORD = 1 << 16

WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
"""Bytes of the integer kinds; any other kind is an enum, held in a u32."""
ENUM_WIDTH = 4

_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
_FIRST = re.compile(r"mtedbg-schema ([0-9]{1,9})")
_TYPE = re.compile(rf"type ({_NAME}) ([0-9]{{1,9}})")
_FIELD = re.compile(rf"({_NAME})\.({_NAME}) : ({_NAME}) @ ([0-9]{{1,9}})")
_VALUE = re.compile(rf"({_NAME})\.({_NAME}) = ([0-9]{{1,10}})")
_CONTRACT = re.compile(r"contract ([A-Za-z0-9_.]{1,63}) = ([A-Za-z0-9_.]{1,63})")
_REGISTER = re.compile(r"register ([A-Za-z0-9_.]{1,63}) = ([A-Za-z0-9_.]{1,63})")
_HOST = "sp|x[12]?[0-9]|x30"
_CALLER = re.compile(rf"caller (pc|{_HOST}) = (\[?)({_HOST})([+-][0-9]{{1,4}})(\]?)")
_KNOWN = re.compile(rf"(?:contract|register|caller) |type ({_NAME})?|({_NAME})\.{_NAME} [:=]")


@dataclass(frozen=True, slots=True)
class Field:
    """Kind ("u32", "u64", an enum's name) and offset in bytes of a record's field."""

    kind: str
    offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """Size in bytes and fields of a record."""

    size: int
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Saved:
    """Where JIT code has what a register held when it was entered.

    Attributes:
        base: a register of the JIT code, "x29".
        offset: bytes from its value.
        in_memory: whether the value stands there; else it is that sum itself.
    """

    base: str
    offset: int
    in_memory: bool


@dataclass(frozen=True, slots=True)
class Schema:
    """A parsed schema.

    Attributes:
        records: by name.
        enums: names by value, by the enum's name.
        contracts: meanings, by name.
        registers: where translated code keeps a thing ("frame" → "x28"), by role.
        caller: where translated code has the registers of whoever entered it, by their names.
        problems: what is wrong with lines that were left out, one line each.
    """

    records: Mapping[str, Record]
    enums: Mapping[str, Mapping[int, str]]
    contracts: Mapping[str, str]
    registers: Mapping[str, str]
    caller: Mapping[str, Saved] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class _Parser:
    """One pass over the lines; fields are checked when every enum is known."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.fields: dict[str, dict[str, Field]] = {}
        self.enums: dict[str, dict[int, str]] = {}
        self.contracts: dict[str, str] = {}
        self.registers: dict[str, str] = {}
        self.caller: dict[str, Saved] = {}
        self.problems: list[str] = []
        self._broken: set[str] = set()  # names of records and enums
        self._twice: set[tuple[int, str]] = set()
        self._caller_is_whole = True  # some registers alone would make a wrong frame

    def line(self, number: int, text: str) -> None:
        """Takes one line."""
        if match := _FIELD.fullmatch(text):
            record, name, kind, offset = match.groups()
            if self._once(number, name, self.fields.setdefault(record, {}), record):
                self.fields[record][name] = Field(kind, int(offset))
        elif match := _VALUE.fullmatch(text):
            enum, name, value = match.groups()
            if self._once(number, int(value), self.enums.setdefault(enum, {}), enum):
                self.enums[enum][int(value)] = name
        elif match := _TYPE.fullmatch(text):
            if self._once(number, match[1], self.sizes, match[1]):
                self.sizes[match[1]] = int(match[2])
        elif match := _CONTRACT.fullmatch(text):
            self._told(number, match[1], match[2], self.contracts)
        elif match := _REGISTER.fullmatch(text):
            self._told(number, match[1], match[2], self.registers)
        elif (match := _CALLER.fullmatch(text)) and bool(match[2]) == bool(match[5]):
            saved = Saved(match[3], int(match[4]), bool(match[2]))
            self._told(number, match[1], saved, self.caller)
        elif match := _KNOWN.match(text):
            self._malformed(number, match[0], match[1] or match[2])

    def _malformed(self, number: int, head: str, name: str | None) -> None:
        """A line of a known kind: what it may be about is not used."""
        self.problems.append(f"line {number} of the schema is malformed")
        if name:
            self._broken.add(name)
        self._caller_is_whole = self._caller_is_whole and not head.startswith("caller ")

    def _once(self, number: int, key: object, known: Mapping[Any, Any], owner: str) -> bool:
        """Whether `key` is new; where it is not, `owner` contradicts itself."""
        if key in known:
            self.problems.append(f"line {number} of the schema repeats {key}")
            self._broken.add(owner)
        return key not in known

    def _told(self, number: int, key: str, value: T, known: dict[str, T]) -> None:
        """Notes a meaning; one that is given twice is none."""
        if key in known:
            self.problems.append(f"line {number} of the schema repeats {key}")
            self._twice.add((id(known), key))
        known[key] = value

    def schema(self) -> Schema:
        """What is well formed of it."""
        for name in self.fields:
            if name not in self.sizes:
                self.problems.append(f"the schema has fields of {name}, but no size for it")
        records = {
            name: record
            for name, size in self.sizes.items()
            if (record := self._record(name, size)) is not None and name not in self._broken
        }
        enums = {name: values for name, values in self.enums.items() if name not in self._broken}
        return Schema(
            records,
            enums,
            self._kept(self.contracts),
            self._kept(self.registers),
            self._kept(self.caller) if self._caller_is_whole else {},
            tuple(self.problems),
        )

    def _kept(self, told: dict[str, T]) -> dict[str, T]:
        """What was given once."""
        return {key: value for key, value in told.items() if (id(told), key) not in self._twice}

    def _record(self, name: str, size: int) -> Record | None:
        """The record called `name`, its fields checked."""
        if not 0 < size <= _MAX_RECORD:
            self.problems.append(f"the schema gives {name} a size of {size} bytes")
            return None
        fields = self.fields.get(name, {})
        for called, at in fields.items():
            width = WIDTHS.get(at.kind, ENUM_WIDTH if at.kind in self.enums else 1)
            if at.offset + width > size:
                self.problems.append(f"the schema puts {name}.{called} outside of its record")
                return None
        return Record(size, fields)


@lru_cache(maxsize=8)
def parse_schema(text: bytes) -> Schema:
    """The schema in `text`.

    Raises:
        LayoutError: it is no schema, of another version, or too long.
    """
    if len(text) > MAX_SIZE:
        raise LayoutError(f"the schema has {len(text)} bytes, more than {MAX_SIZE}")
    try:
        lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise LayoutError("the schema is not text") from None
    if len(lines) > _MAX_LINES:
        raise LayoutError(f"the schema has {len(lines)} lines, more than {_MAX_LINES}")
    first = _FIRST.fullmatch(lines[0])
    if not first:
        raise LayoutError("the schema does not begin with its header")
    if int(first[1]) != 1:
        raise LayoutError(f"the schema is of version {int(first[1])}, this reads version 1")
    parser = _Parser()
    for number, line in enumerate(lines[1:], 2):
        parser.line(number, line)
    return parser.schema()
