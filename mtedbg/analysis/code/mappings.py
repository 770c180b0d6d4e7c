"""Which mapping holds an address, and whether a JIT may have made the code there."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from posixpath import basename
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.model.absent import Absent, Reason, or_else
from mtedbg.session import once
from mtedbg.target import GuestFileFinder, ImageLister

if TYPE_CHECKING:
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

NO_REGION = Absent(Reason.UNMAPPED, "in no mapping")

# What a JIT makes code in: anonymous memory, shared anonymous memory, files that have no name.
_NO_FILE = re.compile(r"$|\[anon|/memfd:|/dev/zero|/dev/shm/|/SYSV|/dev/ashmem|.* \(deleted\)$")
_INTERPRETERS = re.compile(r"libnode\.so\.[0-9]+(?:\.[0-9]+)*|node(?:js)?")
_OF_THE_KERNEL = frozenset(("[vdso]", "[vvar]", "[vsyscall]", "[sigpage]"))
_OF_THE_PROGRAM = frozenset(("[heap]", "[stack]"))
"""They may be executable; and QEMU's user mode calls whatever is next to the heap by its name."""
_HEAD = 4096
_PIECE = 1 << 16
"""Bytes read at once: a core may lack the end of what was mapped."""
_LONGEST_WORDS = 64


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A file that is mapped into the process.

    Attributes:
        path: as the process had it.
        start: where its first mapping begins.
        build_id: hexadecimal; empty where its first page does not tell.
    """

    path: str
    start: int
    build_id: str = ""

    @property
    def name(self) -> str:
        """Without its folder."""
        return basename(self.path.removesuffix(" (deleted)"))


def mapping_of(session: Session, address: int) -> Region | Absent:
    """The mapping that holds `address`; `NO_REGION` where none does, else why it is not known."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return regions
    index = bisect_right(regions, address, key=lambda region: region.start) - 1
    inside = index >= 0 and address < regions[index].end
    return regions[index] if inside else NO_REGION


def may_be_generated(session: Session, pc: int) -> bool:
    """Whether a JIT may have made what is at `pc`: executable memory that is no file's.

    Where mappings are not known it may be anywhere.
    """
    region = mapping_of(session, pc)
    if isinstance(region, Absent):
        return region.reason is not Reason.UNMAPPED
    return _may_hold_code(region)


def may_interpret(session: Session, pc: int) -> bool:
    """Whether `pc` is in a library whose own code runs functions of a script: V8's interpreter."""
    region = mapping_of(session, pc)
    return (
        not isinstance(region, Absent)
        and "x" in region.perms
        and is_interpreter(basename(region.name))
    )


def is_interpreter(name: str) -> bool:
    """Whether a file, by its name without folder, has code of its own that runs scripts."""
    return bool(_INTERPRETERS.fullmatch(name))


@once
def has_generated(session: Session) -> bool:
    """Whether there is any memory where a JIT may have made code."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return True
    return any(map(_may_hold_code, regions))


def _may_hold_code(region: Region) -> bool:
    """Whether a JIT may have made code in a mapping."""
    nameless = is_anonymous(region) or region.name in _OF_THE_PROGRAM
    return nameless and any(one in region.perms for one in "x?")


def is_anonymous(region: Region) -> bool:
    """Whether a mapping is of no file that has a name."""
    return region.name not in _OF_THE_KERNEL and bool(_NO_FILE.match(region.name))


def spans(session: Session, is_wanted: Callable[[Region], bool]) -> list[tuple[int, int]]:
    """The mappings that are wanted, by first address and one past the last; adjoining ones as one.

    Args:
        session: the process.
        is_wanted: tells of each mapping whether it is.
    """
    found: list[tuple[int, int]] = []
    for region in or_else(session.target.regions(), ()):
        if not is_wanted(region):
            continue
        if found and found[-1][1] == region.start:
            found[-1] = (found[-1][0], region.end)
        else:
            found.append((region.start, region.end))
    return found


@once
def mapped_files(session: Session) -> tuple[MappedFile, ...]:
    """The files that are mapped; without build ids.

    Where mappings have no names, as in a core of QEMU's user mode, the images that are known
    otherwise.
    """
    starts = session.file_starts.items()
    found = [MappedFile(path, at) for path, at in starts if path.startswith("/")]
    if not found and isinstance(session.target, ImageLister):
        images = session.target.images()
        found = [
            MappedFile(one.name or one.file, one.base, one.build_id)
            for one in images
            if not _is_translated(session, one.base)
        ]
    return tuple(found)


def _is_translated(session: Session, base: int) -> bool:
    """Whether an image is of a program that is translated: it says nothing of who translates."""
    target = session.target
    return isinstance(target, GuestFileFinder) and bool(target.guest_files_at(base))


def with_build_id(session: Session, mapped: MappedFile) -> MappedFile:
    """The same file with its build id, where its first page is there and has one."""
    head = session.target.read_memory(mapped.start, _HEAD)
    if isinstance(head, Absent):
        return mapped
    try:
        header = elf.file_header(head, mapped.path)
        size = header.program_header_count * elf.PROGRAM_HEADER.size
        table = head[header.program_headers : header.program_headers + size]
        found = elf.file_build_id(head, elf.program_headers_in(table)).hex()
    except FileFormatError:
        return mapped
    return MappedFile(mapped.path, mapped.start, found)


def said_in(session: Session, mapped: MappedFile, words: re.Pattern[bytes], most: int) -> str:
    """What a file says of itself, by its constant memory: a version, say.

    Args:
        session: the process.
        mapped: the file.
        words: at most 64 bytes of ASCII, whose first group is the answer.
        most: bytes that are searched.

    Returns:
        Empty where the words are not found.
    """
    for region in or_else(session.target.regions(), ()):
        if region.name != mapped.path or "w" in region.perms:
            continue
        for at in range(region.start, region.end, _PIECE):
            if most <= 0:
                return ""
            most -= _PIECE
            # Words at the end of a piece are at the beginning of the next one as well.
            size = min(_PIECE + _LONGEST_WORDS, region.end - at)
            data = session.target.read_memory(at, size)
            found = None if isinstance(data, Absent) else words.search(data)
            if found:
                return found[1].decode("ascii")
    return ""
