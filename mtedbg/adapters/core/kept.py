"""What several dead processes share: the files of their programs, opened and put in order once.

Thousands of cores of one folder are of a few builds. Whoever reads one after the other keeps what
was made of their files; whoever reads one core keeps nothing that it would not keep anyway. What is
kept is of a file as it was when it was first opened: every image compares its build id with that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from mtedbg.errors import FileFormatError
from mtedbg.formats import elf, elf_symbols
from mtedbg.formats.buffer import Buffer
from mtedbg.formats.elf_symbols import SymbolTable

if TYPE_CHECKING:
    from mtedbg.adapters.core.places import Place

MOST_FILES = 256
"""Files, or answers that there is none, that are kept open."""
MOST_TABLES = 64
"""Symbol tables that are kept."""
MOST_FOLDERS = 64
"""Folders of cores of which is kept which programs are in them."""

T = TypeVar("T")
Opened = tuple[Buffer, elf.FileHeader, list[elf.ProgramHeader]]


class Kept:
    """Files and symbol tables, the latest used."""

    def __init__(self) -> None:
        self._opened: OrderedDict[Hashable, Opened | FileFormatError] = OrderedDict()
        self._tables: OrderedDict[Hashable, SymbolTable | None] = OrderedDict()
        self._made: OrderedDict[Hashable, dict[str, Any]] = OrderedDict()
        self._places: OrderedDict[Hashable, list[Place]] = OrderedDict()
        self._folders: OrderedDict[Hashable, dict[str, list[Place]]] = OrderedDict()

    def opened(self, place: Place) -> Opened:
        """A program or library with its headers.

        Raises:
            FileFormatError: it is not one of AArch64, or cannot be read.
        """
        found = _kept(self._opened, place, lambda: _open(place), MOST_FILES)
        if isinstance(found, FileFormatError):
            raise found
        return found

    def symbols(self, place: Place, bias: int) -> SymbolTable | None:
        """The symbols of a file that was opened, at the addresses that `bias` leads to."""

        def make() -> SymbolTable | None:
            data, header, _ = self.opened(place)
            return elf_symbols.from_sections(data, header, 0)

        found = _kept(self._tables, place, make, MOST_TABLES)
        return None if found is None else found.moved(bias)

    def made(self, place: Place) -> dict[str, Any]:
        """Where is kept what was made of a file that was opened, by name."""
        return _kept(self._made, place, dict, MOST_TABLES)

    def places(self, of: Hashable, look: Callable[[], list[Place]]) -> list[Place]:
        """Where a file may be.

        Args:
            of: what it depends on.
            look: finds them.
        """
        return _kept(self._places, of, look, MOST_FILES)

    def next_to(
        self, folder: str, look: Callable[[], dict[str, list[Place]]]
    ) -> dict[str, list[Place]]:
        """The programs in a folder by build id.

        Args:
            folder: its path.
            look: finds them.
        """
        return _kept(self._folders, folder, look, MOST_FOLDERS)


def _kept(there: OrderedDict[Hashable, T], key: Hashable, make: Callable[[], T], most: int) -> T:
    if key not in there:
        there[key] = make()
        if len(there) > most:
            there.popitem(last=False)
    there.move_to_end(key)
    return there[key]


def _open(place: Place) -> Opened | FileFormatError:
    try:
        data, path = place.open(), place.path
        header = elf.file_header(data, path)
        headers, _ = elf.program_headers(data, header, path)
    except FileFormatError as error:
        return error
    if header.machine not in elf.PROGRAM_MACHINES or header.type not in (elf.ET_EXEC, elf.ET_DYN):
        return FileFormatError(f"{place.path} is not an AArch64 program or library")
    return data, header, headers
