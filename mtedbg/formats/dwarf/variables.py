"""Variables that a function has on its stack: where they are, how large, and in which scope.

Source: DWARF 5, 3.3.5 "Low-Level Information", 4.1 "Data Object Entries", 5.5 "Array Type Entries",
7.7.3 "Location Lists" (.debug_loclists). DW_AT_LLVM_tag_offset is LLVM's, for memory tagging
(llvm/lib/CodeGen/AsmPrinter/DwarfCompileUnit.cpp): the tag of a variable is that many steps after
the one of its frame. LLVM gives it to pointers as well that have had a tagged variable's address,
and where it optimizes it lets two variables swap tags afterwards (AArch64StackTaggingPreRA.cpp):
that there is one tells that a variable is tagged, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mtedbg.dataclass import dataclass
from mtedbg.formats.dwarf.cursor import Cursor, DamagedError
from mtedbg.formats.dwarf.forms import At, Tag, Value, after
from mtedbg.formats.dwarf.functions import MOST_ENTRIES, Finder, origins
from mtedbg.formats.dwarf.unit import Ranges, Unit

FRAME_BASE = -1
"""Stands for a place that counts from the function's frame base."""

_MOST_DEPTH = 1 << 8
_MOST_VARIABLES = 1 << 12
_MOST_TYPES = 32
_MOST_ENTRIES_OF_LIST = 1 << 10
_EXPRLOC, _LOCLISTX, _SEC_OFFSET = 0x18, 0x22, 0x17
_BLOCKS = frozenset((0x03, 0x04, 0x09, 0x0A, _EXPRLOC))
_FBREG, _BREG, _BREGX, _REG = 0x91, 0x70, 0x92, 0x50
_CALL_FRAME_CFA = 0x9C
_REFERENCES = frozenset((0x10, 0x11, 0x12, 0x13, 0x14, 0x15))
_POINTER_SIZE = 8


@dataclass(frozen=True, slots=True)
class StackVariable:
    """A variable with one place on the stack.

    Attributes:
        name: as in the source.
        base: number of the register that its place counts from; `FRAME_BASE`.
        offset: bytes from there.
        size: bytes; 0 where its type does not tell.
        tag_offset: steps from the frame's tag to its own; None where it says nothing of that.
        scope: addresses of its block, of which it is no longer beyond; none where of the function.
        file: number of the file that declares it.
        line: there; 0 where not known.
    """

    name: str
    base: int
    offset: int
    size: int
    tag_offset: int | None
    scope: tuple[tuple[int, int], ...]
    file: int
    line: int

    def in_scope(self, address: int) -> bool:
        """Whether an instruction is in its scope."""
        return not self.scope or any(low <= address < high for low, high in self.scope)


@dataclass(frozen=True, slots=True)
class StackVariables:
    """What a function has on its stack.

    Attributes:
        function: its name.
        base: the register that its frame base is; `FRAME_BASE` for the canonical frame address,
            None where it is something else.
        variables: in the order of the debug information.
        files: names of the files that declare them, by number.
    """

    function: str
    base: int | None
    variables: tuple[StackVariable, ...]
    files: Mapping[int, str]


def frame_base(entry: Mapping[int, Value]) -> int | None:
    """The register that a function's frame base is: 29, 31; `FRAME_BASE` for the CFA."""
    value = entry.get(At.FRAME_BASE)
    if value is None or len(value.data) != 1:
        return None
    code = value.data[0]
    if code == _CALL_FRAME_CFA:
        return FRAME_BASE
    return code - _REG if _REG <= code < _REG + 32 else None


def variables_of(unit: Unit, start: int, find: Finder) -> list[StackVariable]:
    """The variables that a function has on the stack, those of functions inlined in it too.

    Args:
        unit: that has the function.
        start: of the function's entry, in the unit's bytes.
        find: finds other units by offsets.

    Raises:
        DamagedError: its entries cannot be read.
    """
    try:
        return list(_walk(unit, start, find))
    except (IndexError, ValueError):
        raise DamagedError("a unit ends within an entry") from None


def _walk(unit: Unit, start: int, find: Finder) -> Iterator[StackVariable]:
    data = unit.data
    form, _, at = unit.entry(start)
    scopes: list[tuple[tuple[int, int], ...]] = [()]
    count = found = 0
    if not form.has_children:
        return
    while scopes and at < len(data):
        if data[at] == 0:
            scopes.pop()
            at += 1
            continue
        count += 1
        begin, cursor = at, Cursor(data, at)
        inner = unit.abbreviations.get(cursor.uleb())
        if inner is None or count > MOST_ENTRIES or len(scopes) > _MOST_DEPTH:
            raise DamagedError("a function has an unknown or too many entries")
        scope = scopes[-1]
        if inner.tag in (Tag.VARIABLE, Tag.FORMAL_PARAMETER):
            _, entry, at = unit.entry(begin)
            one = _variable(unit, entry, find, scope)
            if one is not None:
                yield one
                found += 1
                if found == _MOST_VARIABLES:
                    return
        elif inner.places and inner.tag in (Tag.INLINED_SUBROUTINE, Tag.LEXICAL_BLOCK):
            _, entry, at = unit.entry(begin)
            ranges: Ranges = unit.ranges(entry)
            scope = tuple(ranges) or scope
        else:
            at = after(data, cursor.at, inner.plan)
        if inner.has_children:
            scopes.append(scope)


def _variable(
    unit: Unit, entry: Mapping[int, Value], find: Finder, scope: tuple[tuple[int, int], ...]
) -> StackVariable | None:
    location = entry.get(At.LOCATION)
    place = None if location is None else _place(unit, location)
    if place is None:
        return None
    known = origins(unit, entry, find)
    name = next((text for where, one, _ in known if (text := where.text(one.get(At.NAME)))), "")
    kind = next(((where, one[At.TYPE]) for where, one, _ in known if At.TYPE in one), None)
    size = 0 if kind is None else _size(*kind, find)
    numbers = {
        attribute: next((one[attribute].number for _, one, _ in known if attribute in one), None)
        for attribute in (At.DECL_FILE, At.DECL_LINE, At.LLVM_TAG_OFFSET)
    }
    return StackVariable(
        name,
        *place,
        size,
        numbers[At.LLVM_TAG_OFFSET],
        scope,
        numbers[At.DECL_FILE] or 0,
        numbers[At.DECL_LINE] or 0,
    )


def _place(unit: Unit, location: Value) -> tuple[int, int] | None:
    """Base and offset, where a variable is in memory at all: what has a frame does not move."""
    if location.form in _BLOCKS:
        return _simple(location.data)
    if location.form not in (_LOCLISTX, _SEC_OFFSET) or unit.header.version < 5:
        return None
    return next((place for data in _listed(unit, location) if (place := _simple(data))), None)


def _simple(expression: bytes) -> tuple[int, int] | None:
    """What an expression of one operation counts from, and its offset."""
    if not expression:
        return None
    cursor = Cursor(expression)
    code = cursor.byte()
    if code == _FBREG:
        base = FRAME_BASE
    elif _BREG <= code < _BREG + 32:
        base = code - _BREG
    elif code == _BREGX:
        base = cursor.uleb()
    else:
        return None
    offset = cursor.sleb()
    return (base, offset) if cursor.is_done and base in (FRAME_BASE, 29, 31, 19) else None


def _listed(unit: Unit, value: Value) -> Iterator[bytes]:
    """The expressions of a list, of stretches that are not empty."""
    view = unit.sections.view(".debug_loclists")
    at = value.number
    if value.form == _LOCLISTX:
        base, size = _list_base(unit), unit.header.offset_size
        raw = view.part(base + at * size, base + (at + 1) * size)
        at = base + int.from_bytes(raw, "little")
    cursor = Cursor(view.part(at, at + (1 << 16)))
    for _ in range(_MOST_ENTRIES_OF_LIST):
        kind = cursor.byte()
        first = second = 0
        match kind:
            case 0:  # DW_LLE_end_of_list
                return
            case 1:  # DW_LLE_base_addressx
                cursor.uleb()
                continue
            case 2 | 3 | 4:  # startx_endx, startx_length, offset_pair
                first, second = cursor.uleb(), cursor.uleb()
            case 5:  # default_location
                second = 1
            case 6:  # base_address
                cursor.number(_POINTER_SIZE)
                continue
            case 7:  # start_end
                first, second = cursor.number(_POINTER_SIZE), cursor.number(_POINTER_SIZE)
            case 8:  # start_length
                first, second = cursor.number(_POINTER_SIZE), cursor.uleb()
            case _:
                raise DamagedError(f"a list of locations with an entry of kind {kind}")
        expression = cursor.take(cursor.uleb())
        if second and (kind in (2, 3, 5, 8) or first != second):
            yield expression
    raise DamagedError("a list of locations without an end")


def _list_base(unit: Unit) -> int:
    if At.LOCLISTS_BASE in unit.top:
        return unit.top[At.LOCLISTS_BASE].number
    return 12 if unit.header.offset_size == 4 else 20


def _size(unit: Unit, kind: Value, find: Finder) -> int:
    """Bytes of a type; 0 where it does not tell, as of an array of variable length."""
    times = 1
    for _ in range(_MOST_TYPES):
        offset = unit.reference(kind)
        if offset is None:
            return 0
        unit, at = find(offset)
        form, entry, end = unit.entry(at)
        if At.BYTE_SIZE in entry and form.tag != Tag.ARRAY_TYPE:
            value = entry[At.BYTE_SIZE]
            return 0 if value.form in _BLOCKS else times * value.number
        if form.tag in (Tag.POINTER_TYPE, Tag.REFERENCE_TYPE, Tag.RVALUE_REFERENCE_TYPE):
            return times * _POINTER_SIZE
        if form.tag == Tag.ARRAY_TYPE:
            times *= _count(unit, end) if form.has_children else 0
        if At.TYPE not in entry:
            return 0
        kind = entry[At.TYPE]
    return 0


def _count(unit: Unit, at: int) -> int:
    """How many elements an array has, whose ranges begin at `at`."""
    times = 1
    for _ in range(_MOST_TYPES):
        if at >= len(unit.data) or unit.data[at] == 0:
            return times
        form, entry, at = unit.entry(at)
        if form.tag != Tag.SUBRANGE_TYPE or form.has_children:
            continue
        count, bound = entry.get(At.COUNT), entry.get(At.UPPER_BOUND)
        if count is not None and count.form not in _BLOCKS:
            times *= count.number
        elif bound is not None and bound.form not in _BLOCKS and bound.form not in _REFERENCES:
            times *= bound.number + 1
        else:
            return 0
    return 0
