"""Types and values as expressions have them, and what must be known of a program's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Protocol

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent
from mtedbg.model.process import Definition


class Kind(Enum):
    """What can be done with a value of a type."""

    INTEGER = auto()
    """Counted with; also characters, truth values and enumerations."""
    POINTER = auto()
    REFERENCE = auto()
    """C++'s: stands for what it refers to."""
    ARRAY = auto()
    """Where its first element is."""
    FUNCTION = auto()
    """Where it begins."""
    RECORD = auto()
    """It has members: a structure, union or class."""
    VOID = auto()
    UNKNOWN = auto()
    """A variable without debug information."""
    OTHER = auto()
    """Nothing that an address is made of: a floating-point number."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the program's, or of C's.

    Attributes:
        kind: what can be done with its values.
        name: for people.
        size: in bytes; 0 where it is not known.
        signed: of integers.
        target: of pointers, references and arrays: the type of what they lead to, asked for when
            it is needed, since types may hold each other.
        fields: of records: their members, asked for when they are needed.
    """

    kind: Kind
    name: str
    size: int
    signed: bool = False
    target: Callable[[], Type] | None = None
    fields: Callable[[], Iterable[Field]] | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a record that has an address: no bit field, and nothing static.

    Attributes:
        name: empty where it has none, and for what the record is derived from.
        offset: in the record, in bytes.
        type: its type.
    """

    name: str
    offset: int
    type: Type


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or a pointer.

    Attributes:
        value: within the range of its type.
        type: of kind INTEGER or POINTER.
    """

    value: int
    type: Type


@dataclass(frozen=True, slots=True)
class Place:
    """Something in memory, which is read where its value is needed.

    Attributes:
        address: its tag included.
        type: of what is there.
    """

    address: int
    type: Type


@dataclass(frozen=True, slots=True)
class Held:
    """A record that is not in memory: registers hold it.

    Attributes:
        type: its type.
        member: its member with this name; None where it has none.
    """

    type: Type
    member: Callable[[str], Value | None]


Value = Number | Place | Held


class Lookup(Protocol):
    """What a debugger or a core knows. No method runs anything in the program."""

    def register(self, name: str) -> Value | None:
        """The register with the port's name (`Target.registers`), or another one of its own."""

    def name(self, name: str) -> Value | Absent:
        """The variable or symbol with this name, where the selected frame is.

        Raises:
            ExpressionError: there is one, and it cannot be used.
        """

    def type(self, name: str) -> Type | None:
        """The type `node`, `struct node` or `ns::node`."""

    def read(self, address: int, size: int) -> bytes | Absent:
        """All bytes of a range of memory."""


UNSIGNED = Type(Kind.INTEGER, "unsigned long", 8)
SIGNED = Type(Kind.INTEGER, "long", 8, signed=True)
FUNCTION = Type(Kind.FUNCTION, "function", 1)
VOID = Type(Kind.VOID, "void", 1)
UNKNOWN = Type(Kind.UNKNOWN, "variable without debug information", 0)


def pointer_to(target: Type) -> Type:
    """The type of pointers to it."""
    return Type(Kind.POINTER, f"{target.name} *", 8, target=lambda: target)


def field(record: Type, name: str) -> Field | None:
    """The member `name` of a record, of its nameless members or of what it is derived from."""
    fields = list(record.fields()) if record.fields is not None else []
    for own in fields:
        if own.name == name:
            return own
    for part in fields:
        inner = None if part.name else field(part.type, name)
        if inner is not None:
            return Field(name, part.offset + inner.offset, inner.type)
    return None


def symbol(definition: Definition) -> Place:
    """What a symbol stands for where there is no debug information about it."""
    return Place(definition.address, FUNCTION if definition.is_code else UNKNOWN)
