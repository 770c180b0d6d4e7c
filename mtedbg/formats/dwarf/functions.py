"""The functions of a unit: which one an address is in, and what was inlined there.

Entries are stepped over by what their abbreviations say of their length; where a subtree can hold
no code and says where it ends, it is left out. Source: DWARF 5, 2.3 "Relationship of Debugging
Information Entries", 3.3 "Subroutine and Entry Point Entries", 3.3.8 "Inlined Subroutines".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from mtedbg.dataclass import dataclass
from mtedbg.formats.dwarf.cursor import Cursor, DamagedError
from mtedbg.formats.dwarf.forms import At, Tag, Value, after
from mtedbg.formats.dwarf.unit import Ranges, Unit

MOST_ENTRIES = 1 << 20
_MOST_DEPTH = 1 << 10
_MOST_ORIGINS = 16
_WITH_CODE = frozenset(
    (Tag.COMPILE_UNIT, Tag.PARTIAL_UNIT, Tag.SKELETON_UNIT, Tag.NAMESPACE, Tag.MODULE)
)
"""Entries whose children may be functions with code. So may be those of types, of lambdas, within
functions: nothing is left out there. In what LLVM writes all may be so, and no entry says where its
subtree ends."""


class Function(NamedTuple):
    """A function with code: a stretch of it, and where its entry is in the unit."""

    begin: int
    end: int
    at: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The function at an address, and the inlined ones in it, the outermost first."""

    function: Mapping[int, Value]
    inlined: tuple[Mapping[int, Value], ...]


Finder = Callable[[int], tuple[Unit, int]]
"""The unit that holds an offset of .debug_info, and where in its bytes that is."""


class Functions:
    """The functions of one unit.

    Args:
        unit: of which they are.

    Raises:
        DamagedError: its entries cannot be read.
    """

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        try:
            self._all = self._scan()
        except (IndexError, ValueError):
            raise DamagedError("a unit ends within an entry") from None

    def _scan(self) -> list[Function]:
        unit, data, forms = self._unit, self._unit.data, self._unit.abbreviations
        found: list[Function] = []
        at, end, count, body_end = unit.first, len(data), 0, 0
        while at < end:
            start, code = at, data[at]
            at += 1
            if code & 0x80:
                cursor = Cursor(data, start)
                code, at = cursor.uleb(), cursor.at
            if code == 0:
                continue
            count += 1
            form = forms.get(code)
            if form is None or count > MOST_ENTRIES:
                raise DamagedError("a unit has an unknown or too many entries")
            if form.tag == Tag.SUBPROGRAM and not form.declares:
                _, entry, at = unit.entry(start)
                found += [Function(low, high, start) for low, high in unit.ranges(entry)]
                if At.SIBLING in entry:
                    body_end = max(body_end, entry[At.SIBLING].number)
                continue
            if form.sibling is not None and form.tag not in _WITH_CODE:
                where = _word(data, at + form.sibling)
                if where > at >= body_end:
                    at = where
                    continue
            at = after(data, at, form.plan)
        return sorted(found)

    def at(self, address: int) -> Chain | None:
        """The function that holds `address`; None where none does.

        Raises:
            DamagedError: its entries cannot be read.
        """
        start = self.entry_at(address)
        if start is None:
            return None
        try:
            return self._chain(start, address)
        except (IndexError, ValueError):
            raise DamagedError("a unit ends within an entry") from None

    def entry_at(self, address: int) -> int | None:
        """Where in the unit the entry of the function that holds `address` is; None without one."""
        held = [one for one in self._all if one.begin <= address < one.end]
        # Of several the shortest: a compiler may have put one's code within another's.
        best = min(held, key=lambda one: one.end - one.begin, default=None)
        return None if best is None else best.at

    def _chain(self, start: int, address: int) -> Chain:
        unit, data = self._unit, self._unit.data
        form, function, at = unit.entry(start)
        chain: list[Mapping[int, Value]] = []
        if not form.has_children:
            return Chain(function, ())
        depth, count = 1, 0
        while depth > 0 and at < len(data):
            if data[at] == 0:
                depth, at = depth - 1, at + 1
                continue
            count += 1
            begin = at
            cursor = Cursor(data, at)
            inner = unit.abbreviations.get(cursor.uleb())
            if inner is None or count > MOST_ENTRIES or depth > _MOST_DEPTH:
                raise DamagedError("a function has an unknown or too many entries")
            holds = False
            if inner.places and inner.tag in (Tag.INLINED_SUBROUTINE, Tag.LEXICAL_BLOCK):
                _, entry, at = unit.entry(begin)
                ranges: Ranges = unit.ranges(entry)
                holds = any(low <= address < high for low, high in ranges)
                if holds and inner.tag == Tag.INLINED_SUBROUTINE:
                    chain.append(entry)
            else:
                at = after(data, cursor.at, inner.plan)
            if not inner.has_children:
                continue
            if not holds and inner.places and inner.sibling is not None:
                where = _word(data, cursor.at + inner.sibling)
                if at < where <= len(data):
                    at = where
                    continue
            depth += 1
        return Chain(function, tuple(chain))


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


Entry = Mapping[int, Value]
Found = tuple[Unit, Entry, int]
"""An entry: its unit, its attributes, and where in the unit's bytes it is."""


def origins(unit: Unit, entry: Entry, find: Finder) -> list[Found]:
    """An entry, and those that it takes its name from, the nearest first; its own place is 0."""
    found: list[Found] = [(unit, entry, 0)]
    for _ in range(_MOST_ORIGINS):
        value = entry.get(At.ABSTRACT_ORIGIN) or entry.get(At.SPECIFICATION)
        offset = unit.reference(value)
        if offset is None:
            break
        unit, at = find(offset)
        entry = unit.entry(at)[1]
        found.append((unit, entry, at))
    return found


def scope(unit: Unit, wanted: int) -> str:
    """The namespaces and types that an entry stands in, as "A::B"; empty where in none.

    Only where entries say where their subtrees end, as gcc's do: LLVM's have linkage names.
    """
    data, at, count, depth = unit.data, unit.first, 0, 0
    names: list[tuple[int, str]] = []
    while at < wanted and count < MOST_ENTRIES:
        count += 1
        if data[at] == 0:
            at, depth = at + 1, depth - 1
            while names and names[-1][0] > depth:
                names.pop()
            continue
        cursor = Cursor(data, at)
        form = unit.abbreviations.get(cursor.uleb())
        if form is None:
            return ""
        if form.sibling is not None and cursor.at < _word(data, cursor.at + form.sibling) <= wanted:
            at = _word(data, cursor.at + form.sibling)
            continue
        begin, at = at, after(data, cursor.at, form.plan)
        if form.has_children:
            depth += 1
            if form.tag in _SCOPES:
                name = unit.text(unit.entry(begin)[1].get(At.NAME))
                names.append((depth, name or _ANONYMOUS.get(form.tag, "")))
    return "::".join(name for _, name in names if name)


_SCOPES = frozenset((Tag.NAMESPACE, Tag.STRUCTURE, Tag.CLASS, Tag.UNION))
_ANONYMOUS: dict[int, str] = {Tag.NAMESPACE: "(anonymous namespace)"}
