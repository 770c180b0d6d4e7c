"""WebAssembly modules as bytes: which functions there are, where they lie, what they are called.

Source: WebAssembly Core Specification 2.0, 5.5 "Modules" and appendix "Custom Sections" (names).
"""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.dataclass import dataclass
from mtedbg.formats.dwarf.cursor import Cursor, DamagedError

MAGIC = b"\0asm\1\0\0\0"
_CUSTOM, _IMPORT, _FUNCTION, _CODE = 0, 2, 3, 10
_OF_FUNCTION, _OF_TABLE, _OF_MEMORY, _OF_GLOBAL, _OF_TAG = range(5)
_HAS_MOST = 1
_MODULE_NAME, _FUNCTION_NAMES = 0, 1
_MOST_FUNCTIONS = 1 << 20
_MOST_NAMES = 1 << 18
_LONGEST_NAME = 1 << 10


@dataclass(frozen=True, slots=True)
class WasmModule:
    """A module.

    Attributes:
        name: empty where it has none.
        imported: how many functions are imported: they have the first numbers.
        bodies: where the code of the others begins and ends in the module, in their order.
        names: of functions, by number.
    """

    name: str
    imported: int
    bodies: tuple[tuple[int, int], ...]
    names: Mapping[int, str]

    def function_name(self, number: int) -> str:
        """What a function is called, as stack traces have it."""
        name = self.names.get(number) or f"wasm-function[{number}]"
        return f"{self.name}.{name}" if self.name else name

    @property
    def count(self) -> int:
        """How many functions there are."""
        return self.imported + len(self.bodies)


def wasm_module(data: bytes) -> WasmModule | None:
    """A module by its bytes; None of what is none, or is damaged where its functions are."""
    cursor = Cursor(data, len(MAGIC))
    name, imported = "", 0
    bodies: tuple[tuple[int, int], ...] = ()
    names: dict[int, str] = {}
    if not data.startswith(MAGIC):
        return None
    try:
        while not cursor.is_done:
            kind, size = cursor.byte(), cursor.uleb()
            section = Cursor(data, cursor.at, cursor.at + size)
            cursor.take(size)
            if kind == _IMPORT:
                imported = _imported(section)
            elif kind == _CODE:
                bodies = _bodies(section)
            elif kind == _CUSTOM and _text(section) == "name":
                name, names = _names(section)
    except DamagedError:
        return None
    return WasmModule(name, imported, bodies, names)


def _imported(section: Cursor) -> int:
    found = 0
    for _ in range(min(section.uleb(), _MOST_FUNCTIONS)):
        section.take(section.uleb())
        section.take(section.uleb())
        kind = section.byte()
        if kind == _OF_FUNCTION:
            found += 1
            section.uleb()
        elif kind == _OF_TABLE:
            section.byte()
            _limits(section)
        elif kind == _OF_MEMORY:
            _limits(section)
        elif kind == _OF_GLOBAL:
            section.take(2)
        elif kind == _OF_TAG:
            section.byte()
            section.uleb()
        else:
            raise DamagedError("an import of a WebAssembly module is of no known kind")
    return found


def _limits(section: Cursor) -> None:
    flags = section.byte()
    section.uleb()
    if flags & _HAS_MOST:
        section.uleb()


def _bodies(section: Cursor) -> tuple[tuple[int, int], ...]:
    found = []
    for _ in range(min(section.uleb(), _MOST_FUNCTIONS)):
        size = section.uleb()
        found.append((section.at, section.at + size))
        section.take(size)
    return tuple(found)


def _names(section: Cursor) -> tuple[str, dict[int, str]]:
    """The module's name and its functions': as far as they are whole."""
    module, names = "", {}
    try:
        while not section.is_done:
            kind, size = section.byte(), section.uleb()
            part = Cursor(section.data, section.at, section.at + size)
            section.take(size)
            if kind == _MODULE_NAME:
                module = _text(part)
            elif kind == _FUNCTION_NAMES:
                for _ in range(min(part.uleb(), _MOST_NAMES)):
                    number = part.uleb()
                    names[number] = _text(part)
    except DamagedError:
        pass
    return module, names


def _text(section: Cursor) -> str:
    return section.take(section.uleb())[:_LONGEST_NAME].decode("utf-8", "replace")
