"""What GDB knows of the names in an expression, and expressions that are GDB's alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import gdb

from mtedbg.adapters.gdb.values import NUMBERS, REFERENCES, WORD, address_of
from mtedbg.address.reader import evaluate
from mtedbg.address.values import (
    FUNCTION,
    UNKNOWN,
    VOID,
    Field,
    Held,
    Kind,
    Number,
    Place,
    Type,
    Value,
)
from mtedbg.errors import ExpressionError, NotInLanguageError
from mtedbg.model.absent import Absent, Reason

_KINDS = {
    **dict.fromkeys(NUMBERS, Kind.INTEGER),
    **dict.fromkeys(REFERENCES, Kind.REFERENCE),
    gdb.TYPE_CODE_PTR: Kind.POINTER,
    gdb.TYPE_CODE_ARRAY: Kind.ARRAY,
    gdb.TYPE_CODE_STRUCT: Kind.RECORD,
    gdb.TYPE_CODE_UNION: Kind.RECORD,
}
# Their names for registers depend on who describes them.
_THEIRS = {"pstate": ("cpsr",), "tpidr": ("tpidr", "tpidr_el0")}
_LEAD_ON = (Kind.POINTER, Kind.REFERENCE, Kind.ARRAY)
# What changes the program or its variables; comparisons do not.
_CHANGES = re.compile(r"<<=|>>=|(?<![=!<>])=(?!=)|\+\+|--")

Read = Callable[[int, int], bytes | Absent]


def value_of(expression: str, read: Read) -> int:
    """The 64-bit value of an address expression. No function of the program is called.

    What is not in the language of every debugger (`$_mte_atag(p)`, `a == b`, `Map<int>::root`)
    is GDB's to evaluate.

    Args:
        expression: where the selected frame is.
        read: reads memory.

    Raises:
        ExpressionError: it cannot be evaluated.
    """
    try:
        return evaluate(expression, _Names(read))
    except NotInLanguageError as error:
        return _by_gdb(expression, error)


def _by_gdb(expression: str, refused: NotInLanguageError) -> int:
    if not expression.strip() or _CHANGES.search(expression):
        raise refused
    try:
        with gdb.with_parameter("may-call-functions", False):
            return address_of(gdb.parse_and_eval(expression), expression)
    except (gdb.error, ExpressionError):
        raise refused from None


class _Names:
    """`Lookup` where GDB's selected frame is."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def register(self, name: str) -> Value | None:
        """Any `$name` of GDB's: also what a person has set, and what was printed."""
        for theirs in _THEIRS.get(name, (name,)):
            value = gdb.parse_and_eval(f"${theirs}")
            if value.type.code != gdb.TYPE_CODE_VOID:
                return _value(value, f"${name}")
        return None

    def name(self, name: str) -> Value | Absent:
        """A variable, or a symbol without debug information."""
        written = name if re.fullmatch(r"[\w:~]+", name) else f"'{name}'"
        try:
            return _value(gdb.parse_and_eval(written), name)
        except gdb.error:
            pass
        try:
            # GDB takes no value from what it has no debug information of.
            return Place(int(gdb.parse_and_eval(f"&{written}")) & WORD, UNKNOWN)
        except (gdb.error, TypeError):
            return Absent(Reason.UNKNOWN)

    def type(self, name: str) -> Type | None:
        """By its name with or without `struct`, as C++ has it."""
        for first in ("", "struct ", "union ", "enum "):
            try:
                return _type(gdb.lookup_type(first + name))
            except gdb.error:
                continue
        return None

    def read(self, address: int, size: int) -> bytes | Absent:
        """By the port."""
        return self._read(address, size)


def _value(value: gdb.Value, name: str) -> Value:
    if value.is_optimized_out:
        raise ExpressionError(f"{name!r} is optimized out here", "look in another frame: up, down")
    if value.type.strip_typedefs().code in REFERENCES:
        value = value.referenced_value()
    type_ = _type(value.type)
    if type_ is FUNCTION:
        return Place(int(value.address) & WORD, type_)
    # A register has no address; nor has what a person has set.
    if value.address is not None:
        return Place(int(value.address) & WORD, type_)
    if type_.kind in (Kind.INTEGER, Kind.POINTER):
        return Number(int(value), type_)
    return Held(type_, lambda member: _member_of(value, member))


def _member_of(value: gdb.Value, name: str) -> Value | None:
    try:
        return _value(value[name], name)
    except (gdb.error, ValueError):
        return None


def _type(type_: gdb.Type) -> Type:
    plain = type_.strip_typedefs()
    if plain.code == gdb.TYPE_CODE_FUNC:
        return FUNCTION
    if plain.code == gdb.TYPE_CODE_VOID:
        return VOID
    kind = _KINDS.get(plain.code, Kind.OTHER)
    return Type(
        kind,
        type_.unqualified().name or str(type_),
        plain.sizeof or 0,
        signed=kind is Kind.INTEGER and plain.is_scalar and plain.is_signed,
        target=(lambda: _type(plain.target())) if kind in _LEAD_ON else None,
        fields=(lambda: _fields(plain)) if kind is Kind.RECORD else None,
    )


def _fields(record: gdb.Type) -> Iterator[Field]:
    for one in record.fields():
        # What is static is elsewhere, and has no place in the record.
        if hasattr(one, "bitpos") and not one.bitsize:
            name = "" if one.is_base_class else one.name or ""
            yield Field(name, one.bitpos // 8, _type(one.type))
