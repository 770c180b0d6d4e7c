"""Where the descriptors of GDB's JIT interface are in a process: each library may have its own.

The symbol tells where one is that is exported. It may be local, as in llvmlite, or stripped: what
is left is its shape in the data of an image. `action_flag` tells nothing: in PHP, LLVM and BeamAsm
it stays what it was at the last registration.

Source: GDB manual, "JIT Compilation Interface"; glibc keeps initialized data of an image in its
writable mappings.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

from mtedbg.decode.pages import Pages
from mtedbg.formats import beam_code, elf
from mtedbg.model.absent import Absent, present
from mtedbg.model.memory import Region
from mtedbg.model.pointer import strip
from mtedbg.target import Target

SYMBOL = "__jit_debug_descriptor"
DESCRIPTOR = struct.Struct("<IIQQ")
"""Version, action, relevant entry, first entry."""
ENTRY = struct.Struct("<QQQQ")
"""Next, previous, address of the object, its size."""

MOST_BYTES = 64 << 20
"""Bytes that are searched of a dead process."""
MOST_LIVE = 8 << 20
_LARGEST = 16 << 20
"""A mapping that is larger is a heap, not an image's data."""
_PIECE = 1 << 20
_VERSION = 1
_SHAPE = re.compile(rb"\x01\0\0\0[\0-\x02]\0\0\0", re.S)
# Besides, there is a pointer to the first entry; both pointers are to words of user space, perhaps
# with a tag: most words that look like a version and an action are followed by something else.
_ALIGNED = b"[" + b"".join(re.escape(bytes([low])) for low in range(0, 256, 8)) + b"]"
_POINTER = _ALIGNED + rb".{5}[\0-\x0f]."
_WRITTEN = re.compile(_SHAPE.pattern + rb"(" + _POINTER + rb")(?!\0{6})(" + _POINTER + rb")", re.S)
_MOST_SHAPES = 1 << 16
_MOST_ALIKE = 64
"""Words of that shape with the same pointer after them: a process has a few descriptors, and many
objects that begin with a count of 1 and their type."""
_LARGEST_OBJECT = 1 << 30


class Descriptors:
    """The places where a descriptor may be, which hold as long as the same images are mapped.

    Args:
        target: the process.
        dead: whether it is: a live one may be far away, and less of it is searched.
    """

    def __init__(self, target: Target, *, dead: bool) -> None:
        self._target = target
        self._symbol = target.symbol_address(SYMBOL)
        self._cut = ""
        self._dead = dead
        self._places = list(self._searched(MOST_BYTES if dead else MOST_LIVE))

    @property
    def symbol(self) -> int | None:
        """Where the exported one is; None where none is."""
        return self._symbol if present(self._symbol) else None

    @property
    def cut(self) -> str:
        """What was not searched, in words; empty where all was."""
        return self._cut

    def registered(self, pages: Pages) -> list[int]:
        """The descriptors that have entries now, without the one of the symbol.

        Args:
            pages: of the process as it is now.
        """
        symbol = self.symbol
        return [at for at in self._places if at != symbol and has_entries(pages, at)]

    def _searched(self, most: int) -> Iterator[int]:
        regions = self._target.regions()
        if isinstance(regions, Absent):
            return
        # A live process may register its first object later.
        shape = _WRITTEN if self._dead else _SHAPE
        found: list[tuple[int, bytes, bytes]] = []
        left = most
        for region in _of_images(regions):
            for start in range(region.start, region.end, _PIECE):
                size = min(_PIECE, region.end - start)
                if size > left or len(found) >= _MOST_SHAPES:
                    self._cut = f"descriptors were looked for in {most >> 20} MiB of data only"
                    break
                left -= size
                data = self._target.read_memory(start, size)
                for match in shape.finditer(b"" if isinstance(data, Absent) else data):
                    if match.start() % 8 == 0:
                        relevant, first = match.groups(b"") if self._dead else (b"", b"")
                        found.append((start + match.start(), relevant, first))
        if not self._dead:
            yield from (at for at, *_ in found)
            return
        alike = Counter(relevant for _, relevant, _ in found)
        starts = [region.start for region in regions]
        for at, relevant, first in found:
            if alike[relevant] > _MOST_ALIKE and any(relevant):
                continue
            entry = strip(int.from_bytes(first, "little"))
            index = bisect_right(starts, entry) - 1
            if index >= 0 and entry < regions[index].end:
                yield at


def _of_images(regions: Sequence[Region]) -> list[Region]:
    """Writable data of images; all that is small enough to be that where nothing has a name."""
    named = any(region.name.startswith("/") for region in regions)
    found = [
        region
        for region in regions
        if (region.perms.startswith("rw") or "?" in region.perms)
        and region.dumped
        and region.end - region.start <= _LARGEST
        and (region.name.startswith("/") or not named)
    ]
    return sorted(found, key=lambda region: region.end - region.start)


def has_entries(pages: Pages, at: int) -> bool:
    """Whether there is a descriptor with a list that is consistent at its beginning."""
    data = pages.read(at, DESCRIPTOR.size)
    if isinstance(data, Absent):
        return False
    version, action, relevant, first = DESCRIPTOR.unpack(data)
    first, relevant = strip(first), strip(relevant)
    if version != _VERSION or action > 2 or not first or first % 8 or relevant % 8:
        return False
    head = pages.read(first, ENTRY.size)
    if isinstance(head, Absent):
        return False
    following, before, address, size = ENTRY.unpack(head)
    if before or not 0 < size <= _LARGEST_OBJECT or not address:
        return False
    # Words of this shape are found elsewhere as well: an object of a form that is known is not.
    first_bytes = pages.read(strip(address), min(size, beam_code.HEADER.size))
    if isinstance(first_bytes, Absent) or not _is_known(first_bytes, size):
        return False
    if not following:
        return True
    second = pages.read(strip(following), ENTRY.size)
    return not isinstance(second, Absent) and strip(ENTRY.unpack(second)[1]) == first


def _is_known(head: bytes, size: int) -> bool:
    """Whether an object begins like an ELF file, or is BeamAsm's."""
    if head.startswith(elf.MAGIC):
        return size >= elf.FILE_HEADER.size
    return beam_code.code_of(head, size) is not None or beam_code.is_emulator(head, size)
