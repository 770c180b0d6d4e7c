"""Functions and lines of a translated program, by its own files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.guest_programs import program_at
from mtedbg.analysis.code.source import debug_info
from mtedbg.dataclass import dataclass
from mtedbg.decode.demangle import demangled
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.formats.elf_symbols import SymbolTable, from_sections
from mtedbg.model.absent import Absent, Reason, then
from mtedbg.model.process import Symbol
from mtedbg.session import once
from mtedbg.target import GuestFileFinder, ProgramFileFinder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mtedbg.model.debug_file import DebugFile
    from mtedbg.model.source import SourceLine, SourcePlace
    from mtedbg.session import Session

_TABLE = "symbols"
_UNKNOWN = Absent(Reason.UNKNOWN)


@dataclass(frozen=True, slots=True)
class GuestPlace:
    """What a guest address is in.

    Attributes:
        symbol: the function that holds it, demangled, and how far into it.
        line: of its source.
        file: path of the file that told; empty where none did.
        source: all that debug information says: the functions that were inlined, too.
    """

    symbol: Symbol | Absent = _UNKNOWN
    line: SourceLine | Absent = _UNKNOWN
    file: str = ""
    source: SourcePlace | Absent = _UNKNOWN


@once
def guest_place(session: Session, address: int) -> GuestPlace:
    """The function and the line of a guest address.

    Args:
        session: the process.
        address: the guest's, which is in the host's own address space; of a call any byte of it.
    """
    files = guest_files(session, address)
    symbol: Symbol | Absent = _UNKNOWN
    source: SourcePlace | Absent = _UNKNOWN
    path = ""
    for file in files:
        path = path or file.path
        if isinstance(symbol, Absent):
            symbol = _symbol(session, file, address)
        if isinstance(source, Absent):
            known = debug_info(session, file)
            place = known.place_at(address - file.bias) if known and known.is_there else None
            source = place or _UNKNOWN
    line = then(source, _innermost)
    return GuestPlace(symbol, line, path, source)


def guest_files(session: Session, address: int) -> Sequence[DebugFile]:
    """The files of the image of a translated program that holds `address`, the best first."""
    target = session.target
    program = program_at(session, address)
    if program is not None and isinstance(target, ProgramFileFinder):
        found = target.files_of_program(program)
        if found:
            return found
    return target.guest_files_at(address) if isinstance(target, GuestFileFinder) else ()


def _innermost(place: SourcePlace) -> SourceLine | Absent:
    """The line of the instruction itself, which may be of a function that was inlined."""
    return (place.inlined[0].source if place.inlined else place.source) or _UNKNOWN


def _symbol(session: Session, file: DebugFile, address: int) -> Symbol | Absent:
    key = (_symbol, id(file.made))
    if key not in session.answers:
        if _TABLE not in file.made:
            file.made[_TABLE] = _table(file)
        session.answers[key] = file.made[_TABLE], file
    table: SymbolTable | None = session.answers[key][0]
    found = table.at(address - file.bias) if table is not None else None
    return _UNKNOWN if found is None else Symbol(demangled(found.name), found.offset)


def _table(file: DebugFile) -> SymbolTable | None:
    try:
        return from_sections(file.data, elf.file_header(file.data, file.path), 0)
    except FileFormatError:
        return None
