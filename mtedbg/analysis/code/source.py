"""Lines of source, and functions that were inlined: a debugger's, or by the files of a core."""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import basename
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import jit_place
from mtedbg.decode.demangle import demangled
from mtedbg.errors import FileFormatError, LayoutError
from mtedbg.formats.dwarf.call_frames import Entry, FrameSection, FrameTable
from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.formats.dwarf.debug_info import DebugInfo
from mtedbg.formats.dwarf.frame_rules import FrameRules, rules_at
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.session import once
from mtedbg.target import DebugFileFinder, SourceFinder

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.code import Place
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
    jit = jit_place(session, address)
    if jit is not None:
        return _source_in_jit(*jit)
    finder = _finder(session)
    if finder is None:
        target = session.target
        return target.source_at(address) if isinstance(target, SourceFinder) else NOT_APPLICABLE
    for file in finder.debug_files_at(address):
        known = debug_info(session, file)
        found = known.place_at(address - file.bias) if known and known.is_there else None
        if found is not None:
            return found
    return _NONE


def _source_in_jit(runtime: Runtime, place: Place) -> SourcePlace | Absent:
    from mtedbg.decode.code.details import source_of

    try:
        found = source_of(runtime, place)
    except LayoutError as error:
        return Absent(Reason.NOT_RECORDED, error.message)
    return _NONE if found == NOT_APPLICABLE else found


@once
def _finder(session: Session) -> DebugFileFinder | None:
    target = session.target
    return target if isinstance(target, DebugFileFinder) else None


def debug_remarks(session: Session) -> tuple[str, ...]:
    """What is to be said of the debug information that was read, "FILE: damaged"."""
    found = []
    for key, answer in session.answers.items():
        if key[0] is debug_info and answer[0] is not None:
            known, file = answer
            name = basename(file.path)
            found += [f"{name}: debug information: {remark}" for remark in known.remarks]
    return tuple(dict.fromkeys(found))


def debug_info(session: Session, file: DebugFile) -> DebugInfo | None:
    """The debug information of a file, read once; None where it is no ELF file."""
    key = (debug_info, id(file.made))
    if key not in session.answers:
        if _INFO not in file.made:
            try:
                file.made[_INFO] = DebugInfo(file.data, file.path, demangled)
            except FileFormatError:
                file.made[_INFO] = None
        # The file is kept with it: its id is no other's meanwhile.
        session.answers[key] = file.made[_INFO], file
    found: DebugInfo | None = session.answers[key][0]
    return found


def rules_in_files(session: Session, address: int, *, has_table: bool) -> FrameRules | None:
    """Rules of call frame information at an address, by the files of its image.

    What is found is kept with the file: thousands of dead processes are of a few builds.

    Args:
        session: the process.
        address: of an instruction; of a call any byte of it, where the frame is not a signal's.
        has_table: whether memory has a table of .eh_frame, which would have had it.
    """
    finder = _finder(session)
    files = finder.debug_files_at(address) if finder else ()
    return rules_of(session, files, address, has_table=has_table)


def rules_of(
    session: Session, files: Iterable[DebugFile], address: int, *, has_table: bool
) -> FrameRules | None:
    """The same by these files, the best first."""
    for file in files:
        known = debug_info(session, file)
        if known is None:
            continue
        kept: dict[tuple[int, bool], FrameRules | None] = file.made.setdefault(_RULES, {})
        key = address - file.bias, has_table
        if key not in kept:
            if len(kept) >= _MOST_RULES:
                kept.clear()
            kept[key] = _rules(known, file, *key)
        if (found := kept[key]) is not None:
            return found
    return None


def _rules(known: DebugInfo, file: DebugFile, address: int, has_table: bool) -> FrameRules | None:
    """Rules by the table of .eh_frame, by .debug_frame, or by all of .eh_frame."""
    if _TABLE not in file.made:
        file.made[_TABLE] = _read_table(known)
    table: FrameTable | None = file.made[_TABLE]
    names = [".debug_frame"] if has_table or table is not None else [".debug_frame", ".eh_frame"]
    try:
        found = table.find(address) if table is not None else None
    except DamagedError:
        found = None
    for name in names:
        if isinstance(found, Entry):
            break
        section = _frame_section(known, file, name)
        try:
            found = section.search(address) if section else None
        except DamagedError:
            found = None
    try:
        return rules_at(found, address) if isinstance(found, Entry) else None
    except DamagedError:
        return None


def _read_table(known: DebugInfo) -> FrameTable | None:
    """.eh_frame_hdr and .eh_frame of a file, by the addresses that it has for them."""
    sections = known.sections
    try:
        views = [(sections.address(one), sections.view(one)) for one in (_HEADER, ".eh_frame")]
    except DamagedError:
        return None
    if not all(view.size for _, view in views):
        return None

    def read(address: int, length: int) -> bytes | Absent:
        for start, view in views:
            if start <= address and address + length <= start + view.size:
                return view.part(address - start, address - start + length)
        return _OUTSIDE

    span = min(start for start, _ in views), max(start + view.size for start, view in views)
    start, header = views[0]
    try:
        return FrameTable(read, start, header.size, span)
    except DamagedError:
        return None


def _frame_section(known: DebugInfo, file: DebugFile, name: str) -> FrameSection | None:
    if name not in file.made:
        file.made[name] = _read_section(known, name)
    found: FrameSection | None = file.made[name]
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


_NONE = Absent(Reason.UNKNOWN, "no debug information")
_INFO, _RULES, _TABLE = "debug information", "frame rules", "frame table"
_HEADER = ".eh_frame_hdr"
_MOST_RULES = 1 << 14
_OUTSIDE = Absent(Reason.DAMAGED, "outside of its section")
