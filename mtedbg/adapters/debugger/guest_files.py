"""Files of a translated program in a live process: a debugger takes them for data."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mtedbg.adapters.core.images import Image, image_of
from mtedbg.adapters.core.places import Place, Places
from mtedbg.adapters.core.same_code import ReadUpTo, same_code
from mtedbg.dataclass import dataclass, replace
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.model.absent import Absent
from mtedbg.model.debug_file import DebugFile

if TYPE_CHECKING:
    from mtedbg.model.guest_program import GuestProgram
    from mtedbg.model.memory import Region

MAX_BYTES = 1 << 28
"""Of a program with its debug information, which is read whole."""
_MOST_FILES = 64


Kept = dict[tuple[str, int], list[DebugFile]]
"""Files by path and first address."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a live process.

    Attributes:
        regions: all mappings.
        memory: all bytes at an address.
        file: a file of the machine where it runs, of so many bytes at most.
    """

    regions: Sequence[Region] | Absent
    memory: Callable[[int, int], bytes | Absent]
    file: Callable[[str, int], bytes | Absent]


def files_at(target: Asked, kept: Kept, address: int) -> list[DebugFile]:
    """The files of the x86-64 image that holds `address`, where they are still those that run.

    Args:
        target: the process.
        kept: what was read before.
        address: a guest's.
    """
    regions = target.regions
    if isinstance(regions, Absent):
        return []
    index = bisect_right(regions, address, key=lambda region: region.start) - 1
    if index < 0 or address >= regions[index].end or not regions[index].name.startswith("/"):
        return []
    path = regions[index].name
    while index > 0 and regions[index - 1].name == path:
        index -= 1
    key = path, regions[index].start
    if key not in kept:
        if len(kept) >= _MOST_FILES:
            kept.clear()
        kept[key] = _read(target, *key)
    return kept[key]


def files_of(
    program: GuestProgram,
    kept: dict[GuestProgram, list[DebugFile]],
    read: Callable[[str, int], bytes | Absent] | None,
    memory: ReadUpTo,
) -> list[DebugFile]:
    """The files of a program that a runtime names: this machine's, else the process's own.

    Only those with its build id or, where it has none, its code: a name alone proves nothing.

    Args:
        program: whose.
        kept: what was read before.
        read: a file of the machine where it runs, of so many bytes at most; None where that is not
            to be had.
        memory: what the process has.
    """
    if program not in kept:
        if len(kept) >= _MOST_FILES:
            kept.clear()
        kept[program] = _files_of(program, read, memory)
    return kept[program]


def _files_of(
    program: GuestProgram, read: Callable[[str, int], bytes | Absent] | None, memory: ReadUpTo
) -> list[DebugFile]:
    found = _on_this_machine(image_of(program, memory), program.bias)
    if found or read is None or not program.path:
        return found
    data = read(program.path, MAX_BYTES)
    if isinstance(data, Absent):
        return []
    try:
        headers, _ = elf.program_headers(data, elf.file_header(data, program.path), program.path)
    except FileFormatError:
        return []
    if program.build_id:
        same = elf.file_build_id(data, headers) == program.build_id
    else:
        same = same_code(data, headers, program.bias, memory) is True
    return [DebugFile(program.path, data, program.bias)] if same else []


def _on_this_machine(image: Image, bias: int) -> list[DebugFile]:
    """An image's files: its own, and those with its symbols alone."""
    places = Places("/", "")
    image.find(places)
    # A name alone proves nothing, but code does.
    if image.file is None and image.same is not None and not image.use(Place(image.name)):
        image.find_debug(places)
    return [replace(one, bias=bias) for one in image.debug_files()]


def _read(target: Asked, path: str, base: int) -> list[DebugFile]:
    head = target.memory(base, elf.FILE_HEADER.size)
    if isinstance(head, Absent) or not _is_guest(head, path):
        return []
    data = target.file(path, MAX_BYTES)
    try:
        # A file that was replaced meanwhile begins differently, or has its tables elsewhere.
        if isinstance(data, Absent) or data[: len(head)] != head:
            return []
        header = elf.file_header(data, path)
        headers, _ = elf.program_headers(data, header, path)
    except FileFormatError:
        return []
    loads = [one for one in headers if one.type == elf.PT_LOAD]
    if not loads:
        return []
    bias = elf.load_bias(base, loads)
    build_id = elf.file_build_id(data, headers)
    file = DebugFile(path, data, bias)
    if not build_id:
        return [file]
    image = Image(path, 0, b"", [], recorded_id=build_id, machine=elf.EM_X86_64)
    return [*_on_this_machine(image, bias), file]


def _is_guest(head: bytes, path: str) -> bool:
    try:
        return elf.file_header(head, path).machine == elf.EM_X86_64
    except FileFormatError:
        return False
