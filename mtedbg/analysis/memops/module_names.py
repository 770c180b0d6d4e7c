"""Functions and lines of a module by its file, for profiles: addresses are those in the file."""

from __future__ import annotations

from functools import cached_property

from mtedbg.decode.demangle import demangled
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.formats.dwarf.debug_info import DebugInfo
from mtedbg.formats.elf_symbols import SymbolTable, from_sections
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.buffer import Buffer
from mtedbg.model.source import SourceLine

UNKNOWN = Absent(Reason.UNKNOWN)
Named = tuple[str, Buffer]
"""A file's name and its bytes."""


class ModuleNames:
    """What a module's file, and its file of debug information, say of addresses.

    Args:
        files: the module itself first; what is damaged in them tells nothing.
    """

    def __init__(self, *files: Named) -> None:
        self._files = files

    @cached_property
    def _tables(self) -> list[SymbolTable]:
        return [table for name, data in self._files if (table := _table(name, data)) is not None]

    @cached_property
    def _infos(self) -> list[DebugInfo]:
        return [info for name, data in self._files if (info := _info(name, data)) is not None]

    def function_at(self, address: int) -> str | Absent:
        """The function that holds `address`, demangled."""
        for table in self._tables:
            if (found := table.at(address)) is not None:
                return demangled(found.name)
        for info in self._infos:
            if (place := info.place_at(address)) is not None and place.function:
                return place.function
        return UNKNOWN

    def line_at(self, address: int) -> SourceLine | Absent:
        """The line of `address`, of a function that was inlined there if one was."""
        for info in self._infos:
            if (place := info.place_at(address)) is not None:
                line = place.inlined[0].source if place.inlined else place.source
                if line is not None:
                    return line
        return UNKNOWN


def _table(name: str, data: Buffer) -> SymbolTable | None:
    try:
        return from_sections(data, elf.file_header(data, name), 0)
    except FileFormatError:
        return None


def _info(name: str, data: Buffer) -> DebugInfo | None:
    try:
        info = DebugInfo(data, name, demangled)
    except FileFormatError:
        return None
    return info if info.is_there else None
