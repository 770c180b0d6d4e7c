"""What LLDB knows of the names in an expression."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import lldb

from mtedbg.adapters.lldb import threads
from mtedbg.address.reader import evaluate
from mtedbg.address.values import (
    FUNCTION,
    UNSIGNED,
    VOID,
    Field,
    Held,
    Kind,
    Number,
    Place,
    Type,
    Value,
    symbol,
)
from mtedbg.errors import ExpressionError, NotInLanguageError
from mtedbg.model.absent import Absent
from mtedbg.model.process import Definition

_KINDS = {
    lldb.eTypeClassBuiltin: Kind.INTEGER,
    lldb.eTypeClassEnumeration: Kind.INTEGER,
    lldb.eTypeClassPointer: Kind.POINTER,
    lldb.eTypeClassReference: Kind.REFERENCE,
    lldb.eTypeClassArray: Kind.ARRAY,
    lldb.eTypeClassStruct: Kind.RECORD,
    lldb.eTypeClassClass: Kind.RECORD,
    lldb.eTypeClassUnion: Kind.RECORD,
}
_LEAD_ON = (Kind.POINTER, Kind.REFERENCE, Kind.ARRAY)
_NO_INTEGER = lldb.eTypeIsFloat | lldb.eTypeIsComplex | lldb.eTypeIsVector
_THEIRS = {"x29": "fp", "x30": "lr", "pstate": "cpsr", "tpidr": "tpidr_el0"}
_BACKTICKS = "put it in backticks: LLDB then evaluates it, and may call functions in the program"


class Names:
    """`Lookup` of one frame.

    Args:
        target: LLDB's.
        frame: whose registers and variables they are; it may be invalid.
        definition: finds a symbol.
        read: reads memory.
    """

    def __init__(
        self,
        target: lldb.SBTarget,
        frame: lldb.SBFrame,
        definition: Callable[[str], Definition | Absent],
        read: Callable[[int, int], bytes | Absent],
    ) -> None:
        self._target = target
        self._frame = frame
        self._definition = definition
        self._read = read

    def register(self, name: str) -> Value | None:
        """Those that hold a whole number; of a core without its program LLDB knows no types."""
        if not self._frame.IsValid():
            return None
        theirs = _THEIRS.get(name, name)
        number = threads.register(self._frame, theirs, name)
        found = self._frame.FindRegister(theirs)
        if number is None and found.IsValid() and found.GetError().Fail():
            raise ExpressionError(
                f"${name} is not available in this frame: LLDB has not found where it was saved",
                "select the frame that the thread stopped in: frame select 0",
            )
        return None if number is None else Number(number, UNSIGNED)

    def name(self, name: str) -> Value | Absent:
        """A variable of the frame, a global one, or a symbol."""
        if self._frame.IsValid():
            found = self._frame.GetValueForVariablePath(name, lldb.eNoDynamicValues)
            if found.IsValid():
                return _value(found, name)
        found = self._target.FindFirstGlobalVariable(name)
        if found.IsValid():
            return _value(found, name)
        definition = self._definition(name)
        return definition if isinstance(definition, Absent) else symbol(definition)

    def type(self, name: str) -> Type | None:
        """By its name, without `struct`: that is how LLDB knows it."""
        found = self._target.FindFirstType(name.rpartition(" ")[2])
        return _type(found) if found.IsValid() else None

    def read(self, address: int, size: int) -> bytes | Absent:
        """By the port."""
        return self._read(address, size)


def value_of(expression: str, names: Names) -> int:
    """The 64-bit value of an address expression.

    Nothing runs in the program: LLDB's own evaluation has it call mmap.

    Args:
        expression: in the language of `mtedbg.address`.
        names: what is known.

    Raises:
        ExpressionError: it cannot be evaluated.
    """
    try:
        return evaluate(expression, names)
    except NotInLanguageError as error:
        raise ExpressionError(error.message, f"{error.next_step}; or {_BACKTICKS}") from None


def _value(value: lldb.SBValue, name: str) -> Value:
    type_ = _type(value.GetType())
    if type_.kind is Kind.REFERENCE:
        value = value.Dereference()
        type_ = _type(value.GetType())
    # The load address of what a register holds is its value; it has no address of its own.
    if value.AddressOf().IsValid():
        return Place(value.GetLoadAddress(), type_)
    error = value.GetError()
    if type_.kind not in (Kind.INTEGER, Kind.POINTER):
        if error.Fail():
            raise _lost(name, error)
        return Held(type_, lambda member: _member_of(value, member))
    read = value.GetValueAsSigned if type_.signed else value.GetValueAsUnsigned
    number = int(read(error))
    if error.Fail():
        raise _lost(name, error)
    return Number(number, type_)


def _lost(name: str, error: lldb.SBError) -> ExpressionError:
    why = (error.GetCString() or "LLDB does not say why").splitlines()[0]
    return ExpressionError(f"{name!r} cannot be read: {why}", "look in another frame: up, down")


def _member_of(value: lldb.SBValue, name: str) -> Value | None:
    found = value.GetChildMemberWithName(name)
    return _value(found, name) if found.IsValid() else None


def _type(type_: lldb.SBType) -> Type:
    plain = type_.GetCanonicalType().GetUnqualifiedType()
    kind_class, flags = plain.GetTypeClass(), plain.GetTypeFlags()
    if kind_class == lldb.eTypeClassFunction:
        return FUNCTION
    if plain.GetBasicType() == lldb.eBasicTypeVoid:
        return VOID
    kind = Kind.OTHER if flags & _NO_INTEGER else _KINDS.get(kind_class, Kind.OTHER)
    lead = plain.GetArrayElementType if kind is Kind.ARRAY else plain.GetPointeeType
    if kind is Kind.REFERENCE:
        lead = plain.GetDereferencedType
    if kind_class == lldb.eTypeClassEnumeration:
        flags = plain.GetEnumerationIntegerType().GetTypeFlags()
    return Type(
        kind,
        str(type_.GetUnqualifiedType().GetName()),
        int(plain.GetByteSize()),
        signed=bool(flags & lldb.eTypeIsSigned),
        target=(lambda: _type(lead()))
        if kind in (Kind.POINTER, Kind.REFERENCE, Kind.ARRAY)
        else None,
        fields=(lambda: _fields(plain)) if kind is Kind.RECORD else None,
    )


def _fields(record: lldb.SBType) -> Iterator[Field]:
    for index in range(record.GetNumberOfFields()):
        one = record.GetFieldAtIndex(index)
        if not one.IsBitfield():
            yield Field(one.GetName() or "", int(one.GetOffsetInBytes()), _type(one.GetType()))
    for index in range(record.GetNumberOfDirectBaseClasses()):
        base = record.GetDirectBaseClassAtIndex(index)
        yield Field("", int(base.GetOffsetInBytes()), _type(base.GetType()))
