"""Lines of source, and functions that were inlined: a debugger's, or by the files of a core."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.decode.demangle import demangled
from mtedbg.errors import FileFormatError
from mtedbg.formats.dwarf.call_frames import Entry, FrameSection
from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.formats.dwarf.debug_info import DebugInfo
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.session import once
from mtedbg.target import DebugFileFinder, SourceFinder

if TYPE_CHECKING:
    from mtedbg.model.debug_file import DebugFile
    from mtedbg.model.source import SourcePlace
    from mtedbg.session import Session


@once
def source_place(session: Session, address: int) -> SourcePlace | Absent:
    """The line of source of an instruction, and what was inlined there.

    Args:
        session: the process.
        address: of the instruction; of a call any byte of it.
    """
    target = session.target
    if isinstance(target, SourceFinder):
        return target.source_at(address)
    if not isinstance(target, DebugFileFinder):
        return NOT_APPLICABLE
    for file in target.debug_files_at(address):
        known = debug_info(session, file)
        found = known.place_at(address - file.bias) if known and known.is_there else None
        if found is not None:
            return found
    return Absent(Reason.UNKNOWN, "no debug information")


def debug_remarks(session: Session) -> tuple[str, ...]:
    """What is to be said of the debug information that was read, "FILE: damaged"."""
    found = []
    for key, answer in session.answers.items():
        if key[0] is debug_info and answer[0] is not None:
            known, file = answer
            name = PurePosixPath(file.path).name
            found += [f"{name}: debug information: {remark}" for remark in known.remarks]
    return tuple(dict.fromkeys(found))


def debug_info(session: Session, file: DebugFile) -> DebugInfo | None:
    """The debug information of a file, read once for a session; None where it is no ELF file."""
    key = (debug_info, id(file.data))
    if key not in session.answers:
        try:
            # The file is kept with it: its id is no other's meanwhile.
            made = DebugInfo(file.data, file.path, demangled)
        except FileFormatError:
            made = None
        session.answers[key] = made, file
    found: DebugInfo | None = session.answers[key][0]
    return found


def frame_entry(session: Session, address: int, *, has_table: bool) -> tuple[Entry, int] | None:
    """Call frame information of a file's sections, where memory has no table of it.

    Args:
        session: the process.
        address: of an instruction.
        has_table: whether memory has a table of .eh_frame, which would have had it.

    Returns:
        The entry, by the addresses of the file, and what is added to them; None where there is
        none.
    """
    target = session.target
    if not isinstance(target, DebugFileFinder):
        return None
    for file in target.debug_files_at(address):
        known = debug_info(session, file)
        names = (".debug_frame",) if has_table else (".debug_frame", ".eh_frame")
        for name in names if known else ():
            section = _frame_section(session, known, file, name) if known else None
            try:
                found = section.search(address - file.bias) if section else None
            except DamagedError:
                continue
            if found is not None:
                return found, file.bias
    return None


def _frame_section(
    session: Session, known: DebugInfo, file: DebugFile, name: str
) -> FrameSection | None:
    key = (_frame_section, id(file.data), name)
    if key not in session.answers:
        session.answers[key] = _read_section(known, name)
    found: FrameSection | None = session.answers[key]
    return found


def _read_section(known: DebugInfo, name: str) -> FrameSection | None:
    try:
        data = known.sections.whole(name)
    except DamagedError:
        return None
    start = known.sections.address(name)

    def read(address: int, length: int) -> bytes | Absent:
        at = address - start
        return data[at : at + length] if 0 <= at <= len(data) - length else _OUTSIDE

    return FrameSection(read, start, len(data), is_eh=name == ".eh_frame") if data else None


_OUTSIDE = Absent(Reason.DAMAGED, "outside of its section")
