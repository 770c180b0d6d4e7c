"""LLDB's values as plain numbers."""

from __future__ import annotations

from collections.abc import Callable

import lldb

from mtedbg.adapters.address import Number, evaluate
from mtedbg.adapters.lldb import threads
from mtedbg.errors import ExpressionError
from mtedbg.model.absent import Absent, Reason

WORD = (1 << 64) - 1
_HINT = "`expression` of LLDB knows more; give what it says, or put the whole into backticks"
_POINTERS = lldb.eTypeClassPointer
_INTEGERS = lldb.eTypeClassBuiltin | lldb.eTypeClassEnumeration
_PLACES = lldb.eTypeClassArray | lldb.eTypeClassFunction


def value_of(
    frame: lldb.SBFrame, expression: str, address_of: Callable[[str], int | Absent]
) -> int:
    """The 64-bit value of an address expression; nothing runs in the program.

    Args:
        frame: whose registers and variables are looked up; it may be invalid.
        expression: numbers, registers, variables and symbols, and sums of them.
        address_of: finds a symbol.

    Raises:
        ExpressionError: it cannot be evaluated.
    """

    def look_up(place: str) -> Number:
        if place.startswith("$"):
            return _register(frame, place)
        value = frame.GetValueForVariablePath(place) if frame.IsValid() else lldb.SBValue()
        if value.IsValid():
            return _number(place, value)
        address = address_of(place.lstrip("&"))
        if isinstance(address, Absent) or place.startswith("*"):
            raise ExpressionError(f"no symbol or variable {place!r} here", _HINT)
        return Number(address, 0)

    return evaluate(expression, look_up) & WORD


def _register(frame: lldb.SBFrame, name: str) -> Number:
    ours = {"x29": "fp", "x30": "lr", "pstate": "cpsr"}
    known = name[1:]
    value = threads.register(frame, known, ours.get(known, known)) if frame.IsValid() else None
    if value is None:
        raise ExpressionError(f"no register {name} here", "`register read --all` lists them")
    return Number(value)


def _number(place: str, value: lldb.SBValue) -> Number:
    if value.GetError().Fail():
        raise _unreadable(place, value.GetError())
    kind = value.GetType().GetCanonicalType()
    if kind.IsReferenceType():
        value = value.Dereference()
        kind = value.GetType().GetCanonicalType()
    kind_class = kind.GetTypeClass()
    if kind_class & _PLACES:
        element = kind.GetArrayElementType() if kind_class & lldb.eTypeClassArray else kind
        return Number(value.GetLoadAddress(), element.GetByteSize() or 1)
    is_float = kind.GetTypeFlags() & lldb.eTypeIsFloat
    if not kind_class & (_POINTERS | _INTEGERS) or is_float:
        raise ExpressionError(
            f"{place!r} is of type {value.GetType().GetName()}, not an address",
            "give a number, a pointer or a $register",
        )
    error = lldb.SBError()
    signed = kind.GetTypeFlags() & lldb.eTypeIsSigned
    number = value.GetValueAsSigned(error) if signed else value.GetValueAsUnsigned(error)
    if error.Fail():
        raise _unreadable(place, error)
    step = (kind.GetPointeeType().GetByteSize() or 1) if kind_class & _POINTERS else 0
    return Number(number, step)


def _unreadable(place: str, error: lldb.SBError) -> ExpressionError:
    why = (error.GetCString() or "LLDB does not say why").splitlines()[0]
    return ExpressionError(f"{place!r} cannot be read: {why}", _HINT)


def symbol_address(target: lldb.SBTarget, name: str) -> int | Absent:
    """The address of the symbol `name`: of its definition, not of a stub that leads to it."""
    for wanted in (_DEFINED, None):
        for context in target.FindSymbols(name):
            symbol = context.GetSymbol()
            address = symbol.GetStartAddress().GetLoadAddress(target)
            fits = wanted is None or symbol.GetType() in wanted
            if address != lldb.LLDB_INVALID_ADDRESS and fits:
                return int(address)
    return Absent(Reason.UNKNOWN)


_DEFINED = (lldb.eSymbolTypeCode, lldb.eSymbolTypeData, lldb.eSymbolTypeResolver)
