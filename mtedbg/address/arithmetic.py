"""C's operators and casts on numbers of 64 bits."""

from __future__ import annotations

from collections.abc import Callable

from mtedbg.address.values import SIGNED, UNSIGNED, Kind, Number, Type
from mtedbg.errors import ExpressionError

WORD = (1 << 64) - 1
_NO_SENSE = "cast a pointer to an integer first: (unsigned long)p"


def wrapped(value: int, size: int, signed: bool) -> int:
    """The lowest `size` bytes of `value`, as a number with or without a sign."""
    bits = 8 * size
    low = value & (1 << bits) - 1
    return low - (1 << bits) if signed and low >> bits - 1 else low


def number(value: int, type_: Type) -> Number:
    """A number of a type, wrapped into its range; of wider integers 64 bits."""
    return Number(wrapped(value, min(type_.size, 8) or 8, type_.signed), type_)


def step(pointer: Type) -> int:
    """Bytes that a pointer of this type moves by.

    Raises:
        ExpressionError: how large what it points to is, is not known.
    """
    target = _target(pointer)
    if not target.size:
        raise ExpressionError(
            "the size of what the pointer points to is not known here",
            "cast it: (char *)p + 16",
        )
    return target.size


def _target(pointer: Type) -> Type:
    assert pointer.target is not None
    return pointer.target()


def _is_pointer(value: Number) -> bool:
    return value.type.kind is Kind.POINTER


def _common(left: Number, right: Number) -> Type:
    """Unsigned once one of both is an unsigned number of 64 bits, as in C."""
    wide = (each.type for each in (left, right))
    return UNSIGNED if any(each.size >= 8 and not each.signed for each in wide) else SIGNED


def _shift(count: int) -> int:
    if not 0 <= count < 64:
        raise ExpressionError(f"shift by {count} bits", "shift by 0 to 63")
    return count


def _divided(left: int, right: int) -> int:
    """Towards zero, as C divides."""
    if not right:
        raise ExpressionError("division by zero", "use another divisor")
    return abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)


_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "*": lambda left, right: left * right,
    "/": _divided,
    "%": lambda left, right: left - _divided(left, right) * right,
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "<<": lambda left, right: left << _shift(right),
    ">>": lambda left, right: left >> _shift(right),
    "&": lambda left, right: left & right,
    "^": lambda left, right: left ^ right,
    "|": lambda left, right: left | right,
}
_OF_BITS = ("<<", ">>", "&", "^", "|")
"""What a pointer may be cut with as well: `p >> 56`, `p & ~15`."""


def binary(sign: str, left: Number, right: Number) -> Number:
    """`left sign right`.

    Raises:
        ExpressionError: C has no such operation on these types.
    """
    if (_is_pointer(left) or _is_pointer(right)) and sign not in _OF_BITS:
        return _with_pointer(sign, left, right)
    # The count of a shift does not change the type of what is shifted.
    type_ = _common(left, left if sign in ("<<", ">>") else right)
    first, second = (wrapped(each.value, 8, type_.signed) for each in (left, right))
    return number(_OPERATIONS[sign](first, second), type_)


def _with_pointer(sign: str, left: Number, right: Number) -> Number:
    if sign == "-" and _is_pointer(left) and _is_pointer(right):
        size = step(left.type)
        if size == step(right.type):
            apart = wrapped(left.value - right.value, 8, signed=True)
            return number(_divided(apart, size), SIGNED)
    elif sign == "-" and _is_pointer(left):
        return number(left.value - right.value * step(left.type), left.type)
    elif sign == "+" and not (_is_pointer(left) and _is_pointer(right)):
        pointer, count = (left, right) if _is_pointer(left) else (right, left)
        return number(pointer.value + count.value * step(pointer.type), pointer.type)
    words = ("a pointer" if _is_pointer(each) else "an integer" for each in (left, right))
    raise ExpressionError(f" {sign} ".join(words) + " has no meaning", _NO_SENSE)


def unary(sign: str, operand: Number) -> Number:
    """`-`, `+` or `~` of it.

    Raises:
        ExpressionError: it is a pointer.
    """
    if _is_pointer(operand):
        raise ExpressionError(f"{sign} of a pointer has no meaning", _NO_SENSE)
    value = {"-": -operand.value, "+": operand.value, "~": ~operand.value}[sign]
    return number(value, _common(operand, operand))


def cast(type_: Type, operand: Number) -> Number:
    """It as a value of another type.

    Raises:
        ExpressionError: it is no integer and no pointer.
    """
    if type_.kind not in (Kind.INTEGER, Kind.POINTER):
        raise ExpressionError(
            f"a cast to {type_.name} does not give an address", "cast to an integer or a pointer"
        )
    return number(operand.value, type_)
