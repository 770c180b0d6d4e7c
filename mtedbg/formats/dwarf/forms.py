"""Attributes of debugging information entries: how long they are, and their values.

Source: DWARF 5, 7.5.3 "Abbreviations Tables", 7.5.5 "Classes and Forms", 7.5.6 "Form Encodings";
GNU's forms: gcc's `dwarf2.def`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from mtedbg.dataclass import dataclass, field
from mtedbg.formats.dwarf.cursor import Cursor, DamagedError

MOST_ABBREVIATIONS = 1 << 16
_MOST_ATTRIBUTES = 256
_OFFSET = -1
"""As a size: that of an offset in the unit's format."""


class Tag(IntEnum):
    """Kinds of entries that matter here (7.5.3, table 7.3)."""

    ARRAY_TYPE = 0x01
    CLASS = 0x02
    FORMAL_PARAMETER = 0x05
    LEXICAL_BLOCK = 0x0B
    POINTER_TYPE = 0x0F
    REFERENCE_TYPE = 0x10
    COMPILE_UNIT = 0x11
    STRUCTURE = 0x13
    UNION = 0x17
    INLINED_SUBROUTINE = 0x1D
    SUBRANGE_TYPE = 0x21
    SUBPROGRAM = 0x2E
    VARIABLE = 0x34
    NAMESPACE = 0x39
    MODULE = 0x1E
    PARTIAL_UNIT = 0x3C
    RVALUE_REFERENCE_TYPE = 0x42
    SKELETON_UNIT = 0x4A


class At(IntEnum):
    """Attributes that matter here (7.5.4, table 7.5)."""

    SIBLING = 0x01
    LOCATION = 0x02
    NAME = 0x03
    BYTE_SIZE = 0x0B
    STMT_LIST = 0x10
    LOW_PC = 0x11
    HIGH_PC = 0x12
    LANGUAGE = 0x13
    UPPER_BOUND = 0x2F
    ABSTRACT_ORIGIN = 0x31
    COUNT = 0x37
    DECL_FILE = 0x3A
    DECL_LINE = 0x3B
    DECLARATION = 0x3C
    FRAME_BASE = 0x40
    SPECIFICATION = 0x47
    TYPE = 0x49
    RANGES = 0x55
    CALL_FILE = 0x58
    CALL_LINE = 0x59
    LINKAGE_NAME = 0x6E
    STR_OFFSETS_BASE = 0x72
    ADDR_BASE = 0x73
    RNGLISTS_BASE = 0x74
    DWO_NAME = 0x76
    LOCLISTS_BASE = 0x8C
    MIPS_LINKAGE_NAME = 0x2007
    GNU_DWO_NAME = 0x2130
    GNU_RANGES_BASE = 0x2132
    GNU_ADDR_BASE = 0x2133
    LLVM_TAG_OFFSET = 0x3E03


_INDIRECT, _IMPLICIT, _STRING, _REF4 = 0x16, 0x21, 0x08, 0x13
_ULEBS = frozenset((0x0D, 0x0F, 0x15, 0x1A, 0x1B, 0x22, 0x23, 0x1F01, 0x1F02))
_BLOCKS = {0x03: 2, 0x04: 4, 0x0A: 1, 0x09: 0, 0x18: 0}
"""Bytes of the length before the block; 0 of a LEB128 number."""
_SIZES = {0x01: 8, 0x05: 2, 0x06: 4, 0x07: 8, 0x0B: 1, 0x0C: 1, 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8}
_SIZES |= {0x19: 0, 0x21: 0, 0x1C: 4, 0x1E: 16, 0x20: 8, 0x24: 8, 0x25: 1, 0x26: 2, 0x27: 3}
_SIZES |= {0x28: 4, 0x29: 1, 0x2A: 2, 0x2B: 3, 0x2C: 4}
_SIZES |= dict.fromkeys((0x0E, 0x10, 0x17, 0x1D, 0x1F, 0x1F20, 0x1F21), _OFFSET)


class Spec(NamedTuple):
    """One attribute of an abbreviation."""

    attribute: int
    form: int
    constant: int


class Value(NamedTuple):
    """The value of an attribute: a number, or the bytes of a string or block."""

    form: int
    number: int
    data: bytes = b""


# How an entry is stepped over: so many bytes, and then a value of no fixed length.
_NOTHING, _ULEB, _TEXT, _BLOCK, _ANY = range(5)


@dataclass(slots=True)
class Abbreviation:
    """What entries of one form have.

    Attributes:
        tag: their kind.
        has_children: whether entries may follow that are theirs.
        specs: their attributes.
        plan: how they are stepped over.
        places: whether they have addresses.
        sibling: bytes from the first attribute to the one that says, in four bytes, where the next
            entry on their level is; None where there is none at a fixed place.
    """

    tag: int
    has_children: bool
    specs: list[Spec]
    plan: list[tuple[int, int, int]] = field(default_factory=list)
    places: bool = False
    sibling: int | None = None
    declares: bool = False


def abbreviations(data: bytes, offset_size: int) -> dict[int, Abbreviation]:
    """The abbreviations that `data` begins with.

    Args:
        data: .debug_abbrev, from where a unit's begin.
        offset_size: 4 or 8, of the unit's format.

    Raises:
        DamagedError: it is none.
    """
    cursor = Cursor(data)
    found: dict[int, Abbreviation] = {}
    for _ in range(MOST_ABBREVIATIONS):
        code = cursor.uleb()
        if code == 0:
            return found
        tag, children = cursor.uleb(), cursor.byte()
        specs = []
        for _ in range(_MOST_ATTRIBUTES):
            attribute, form = cursor.uleb(), cursor.uleb()
            constant = cursor.sleb() if form == _IMPLICIT else 0
            if attribute == form == 0:
                break
            specs.append(Spec(attribute, form, constant))
        else:
            raise DamagedError("an abbreviation with too many attributes")
        names = {spec.attribute for spec in specs}
        found[code] = Abbreviation(
            tag,
            bool(children),
            specs,
            _plan(specs, offset_size),
            bool(names & {At.LOW_PC, At.RANGES}),
            _sibling(specs, offset_size),
            At.DECLARATION in names,
        )
    raise DamagedError("an abbreviation table without an end")


def _plan(specs: list[Spec], offset_size: int) -> list[tuple[int, int, int]]:
    plan, fixed = [], 0
    for spec in specs:
        size = _SIZES.get(spec.form)
        if size is not None:
            fixed += offset_size if size == _OFFSET else size
            continue
        if spec.form in _ULEBS:
            plan.append((fixed, _ULEB, 0))
        elif spec.form == _STRING:
            plan.append((fixed, _TEXT, 0))
        elif spec.form in _BLOCKS:
            plan.append((fixed, _BLOCK, _BLOCKS[spec.form]))
        elif spec.form == _INDIRECT:
            plan.append((fixed, _ANY, offset_size))
        else:
            raise DamagedError(f"an attribute has the form {spec.form:#x}")
        fixed = 0
    if fixed:
        plan.append((fixed, _NOTHING, 0))
    return plan


def _sibling(specs: list[Spec], offset_size: int) -> int | None:
    at = 0
    for spec in specs:
        if spec.attribute == At.SIBLING:
            return at if spec.form == _REF4 else None
        size = _SIZES.get(spec.form)
        if size is None:
            return None
        at += offset_size if size == _OFFSET else size
    return None


def after(data: bytes, at: int, plan: list[tuple[int, int, int]]) -> int:
    """Where the attributes end that begin at `at`; IndexError where `data` ends before.

    Args:
        data: of the unit.
        at: of the first attribute.
        plan: of the abbreviation.
    """
    for fixed, kind, size in plan:
        at += fixed
        if kind == _ULEB:
            while data[at] & 0x80:
                at += 1
            at += 1
        elif kind == _TEXT:
            at = data.index(b"\0", at) + 1
        elif kind == _BLOCK:
            cursor = Cursor(data, at)
            length = cursor.number(size) if size else cursor.uleb()
            at = cursor.at + length
        elif kind == _ANY:
            cursor = Cursor(data, at)
            value_of(cursor, Spec(0, cursor.uleb(), 0), size)
            at = cursor.at
    return at


def value_of(cursor: Cursor, spec: Spec, offset_size: int) -> Value:
    """The next attribute.

    Raises:
        DamagedError: it does not fit, or has an unknown form.
    """
    form = spec.form
    if form == _INDIRECT:
        form = cursor.uleb()
        if form in (_INDIRECT, _IMPLICIT):
            raise DamagedError("an attribute is indirect twice")
    if form == _IMPLICIT:
        return Value(form, spec.constant)
    size = _SIZES.get(form)
    if size is not None:
        return Value(form, cursor.number(offset_size if size == _OFFSET else size))
    if form in _ULEBS:
        return Value(form, cursor.sleb() if form == 0x0D else cursor.uleb())
    if form == _STRING:
        return Value(form, 0, cursor.string())
    if form in _BLOCKS:
        width = _BLOCKS[form]
        return Value(form, 0, cursor.take(cursor.number(width) if width else cursor.uleb()))
    raise DamagedError(f"an attribute has the form {form:#x}")
