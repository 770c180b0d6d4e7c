"""GDB's values as plain numbers."""

from __future__ import annotations

import gdb

from mtedbg.errors import ExpressionError

WORD = (1 << 64) - 1
NUMBERS = (
    gdb.TYPE_CODE_INT,
    gdb.TYPE_CODE_PTR,
    gdb.TYPE_CODE_ENUM,
    gdb.TYPE_CODE_CHAR,
    gdb.TYPE_CODE_BOOL,
    gdb.TYPE_CODE_FLAGS,
)
REFERENCES = (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF)
_PLACES = (gdb.TYPE_CODE_FUNC, gdb.TYPE_CODE_ARRAY)


def address_of(value: gdb.Value, name: str) -> int:
    """The 64 bits of `value`: a number, a pointer, or where an array or function is.

    Args:
        value: of any type.
        name: what the user calls it.

    Raises:
        ExpressionError: it is nothing of these, or cannot be read.
    """
    try:
        kind = value.type.strip_typedefs().code
        if kind in REFERENCES:
            value = value.referenced_value()
            kind = value.type.strip_typedefs().code
        if kind in _PLACES:
            place = value.address
            if place is None:  # GDB's own: a string, a register
                raise ExpressionError(
                    f"{name!r} is not in the program's memory",
                    "give a number, a pointer or a $register",
                )
            value = place
        elif kind not in NUMBERS:
            raise ExpressionError(
                f"{name!r} is of type {value.type}, not an address",
                "give a number, a pointer or a $register",
            )
        return int(value) & WORD
    except (gdb.error, TypeError) as error:
        raise ExpressionError(
            f"{name!r} has no address: {error}", "give a number, a pointer or a $register"
        ) from None


def convenience(name: str) -> int | None:
    """`$name` of the selected thread, or None where there is no such register."""
    try:
        value = gdb.parse_and_eval(f"${name}")
        return None if value.type.code == gdb.TYPE_CODE_VOID else int(value) & WORD
    except gdb.error:
        return None
