"""What a program's values are: read from memory, pointed to, members and elements."""

from __future__ import annotations

from mtedbg.address import arithmetic
from mtedbg.address.values import Held, Kind, Lookup, Number, Place, Value, field, pointer_to
from mtedbg.errors import ExpressionError
from mtedbg.model.absent import Absent
from mtedbg.model.pointer import strip

WANTED = "give a number, $register, symbol or variable, or an expression of them as in C"


class Memory:
    """Reads values where they are needed. `text` is always how the operand is written.

    Args:
        lookup: reads memory.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def number(self, value: Value, text: str) -> Number:
        """The operand of an arithmetic operator: arrays and functions are their addresses.

        Raises:
            ExpressionError: it is nothing of that kind, or cannot be read.
        """
        type_ = value.type
        if isinstance(value, Number) and type_.kind in (Kind.INTEGER, Kind.POINTER):
            return value
        if isinstance(value, Place):
            if type_.kind is Kind.REFERENCE:
                return self.number(self._referred(value, text), text)
            if type_.kind is Kind.ARRAY:
                assert type_.target is not None
                return Number(value.address, pointer_to(type_.target()))
            if type_.kind is Kind.FUNCTION:
                return Number(value.address, pointer_to(type_))
            if type_.kind in (Kind.INTEGER, Kind.POINTER):
                return arithmetic.number(self._bytes(value, text), type_)
        if type_.kind is Kind.UNKNOWN:
            raise _untyped(text)
        raise ExpressionError(
            f"{text!r} is of type {type_.name}, not an address",
            "give a number, a pointer or a $register",
        )

    def _bytes(self, place: Place, text: str) -> int:
        data = self._lookup.read(strip(place.address), min(place.type.size, 8))
        if isinstance(data, Absent):
            raise ExpressionError(
                f"{text!r} cannot be read: {data} at {place.address:#x}",
                "the value must be in memory that can be read",
            )
        return int.from_bytes(data, "little")

    def _referred(self, value: Value, text: str) -> Value:
        """What a reference in memory refers to; anything else as it is."""
        if not isinstance(value, Place) or value.type.kind is not Kind.REFERENCE:
            return value
        assert value.type.target is not None
        return Place(self._bytes(value, text), value.type.target())

    def pointed(self, value: Value, text: str) -> Value:
        """What `value` points to.

        Raises:
            ExpressionError: it has no type that says how many bytes are there.
        """
        if isinstance(value, Place) and value.type.kind is Kind.FUNCTION:
            return value
        pointer = self.number(value, text)
        if pointer.type.target is None:
            raise ExpressionError(
                f"{text!r} is not a pointer: what is read there is not known",
                f"use a cast: *(unsigned long *){text}",
            )
        target = pointer.type.target()
        if target.kind in (Kind.VOID, Kind.UNKNOWN):
            raise ExpressionError(
                f"the type of what {text!r} points to is not known here",
                f"use a cast: *(unsigned long *){text}",
            )
        return Place(pointer.value, target)

    def address_of(self, value: Value, text: str) -> Number:
        """A pointer to `value`.

        Raises:
            ExpressionError: it is not in memory.
        """
        value = self._referred(value, text)
        if not isinstance(value, Place):
            raise ExpressionError(f"{text!r} is not in memory: it has no address", WANTED)
        return Number(value.address, pointer_to(value.type))

    def element(self, value: Value, index: Number, text: str) -> Value:
        """`value[index]`.

        Raises:
            ExpressionError: it is neither an array nor a pointer to something of a known type.
        """
        pointer = self.number(value, text)
        if pointer.type.target is not None:
            pointer = arithmetic.binary("+", pointer, index)
        return self.pointed(pointer, text)

    def member(self, value: Value, name: str, text: str) -> Value:
        """`value.name` or `value->name`: as in GDB, both lead through a pointer.

        Raises:
            ExpressionError: there is no such member, or it has no address.
        """
        record = self._record(value, text)
        found: Value | None = None
        if isinstance(record, Held):
            found = record.member(name)
        elif (part := field(record.type, name)) is not None:
            found = Place(record.address + part.offset & arithmetic.WORD, part.type)
        if found is None:
            raise ExpressionError(
                f"{record.type.name} has no member {name!r} with an address", WANTED
            )
        return found

    def _record(self, value: Value, text: str) -> Place | Held:
        value = self._referred(value, text)
        if value.type.kind is Kind.UNKNOWN:
            raise _untyped(text)
        record = self.pointed(value, text) if value.type.kind is Kind.POINTER else value
        if isinstance(record, Number) or record.type.kind is not Kind.RECORD:
            raise ExpressionError(
                f"{text!r} is of type {record.type.name}, which has no members", WANTED
            )
        return record


def _untyped(name: str) -> ExpressionError:
    """What refuses a variable without debug information."""
    return ExpressionError(
        f"the type of {name!r} is not known here",
        f"write &{name} for where it is, *(unsigned long *)&{name} for 8 bytes of it",
    )
