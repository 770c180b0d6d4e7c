"""Files of a translated program in a live process: a debugger takes them for data."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf
from mtedbg.model.absent import Absent
from mtedbg.model.debug_file import DebugFile

if TYPE_CHECKING:
    from mtedbg.model.memory import Region

MAX_BYTES = 1 << 28
"""Of a program with its debug information, which is read whole."""
_MOST_FILES = 64


Kept = dict[tuple[str, int], DebugFile | None]
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
    """The file of the x86-64 image that holds `address`, where it is still the one that runs.

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
    found = kept[key]
    return [] if found is None else [found]


def _read(target: Asked, path: str, base: int) -> DebugFile | None:
    head = target.memory(base, elf.FILE_HEADER.size)
    if isinstance(head, Absent) or not _is_guest(head, path):
        return None
    data = target.file(path, MAX_BYTES)
    try:
        # A file that was replaced meanwhile begins differently, or has its tables elsewhere.
        if isinstance(data, Absent) or data[: len(head)] != head:
            return None
        header = elf.file_header(data, path)
        headers, _ = elf.program_headers(data, header, path)
    except FileFormatError:
        return None
    loads = [one for one in headers if one.type == elf.PT_LOAD]
    if not loads:
        return None
    first = min(loads, key=lambda one: one.address)
    return DebugFile(path, data, base - (first.address - first.offset))


def _is_guest(head: bytes, path: str) -> bool:
    try:
        return elf.file_header(head, path).machine == elf.EM_X86_64
    except FileFormatError:
        return False
