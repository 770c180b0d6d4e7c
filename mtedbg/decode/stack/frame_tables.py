"""Call frame information of whatever image holds a PC: out of memory, as its runtime finds it.

An image's first page has its program headers, and PT_GNU_EH_FRAME says where .eh_frame_hdr is: the
way in which C++ exceptions find it. A core has that memory, or the file that was mapped there still
has it. Files of debug information add .debug_frame.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from mtedbg.dataclass import dataclass
from mtedbg.formats import elf
from mtedbg.formats.dwarf.call_frames import Entry, FrameTable, UnreadableError
from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.formats.dwarf.frame_rules import FrameRules, rules_at
from mtedbg.model.absent import Absent, Reason, or_else
from mtedbg.model.memory import Region
from mtedbg.target import Target

_MOST_BACK = 64
"""Mappings before the one of the PC that may be of the same image."""
_MOST_HEADERS = 64
_NO_IMAGE = Absent(Reason.NOT_APPLICABLE, "no ELF image is there")


@dataclass(slots=True)
class LoadedImage:
    """One ELF image as it is in memory.

    Attributes:
        base: where its first page is.
        bias: what is added to the addresses in the file.
        span: first address, and one past the last.
        table: its .eh_frame_hdr with .eh_frame, or why there is none.
    """

    base: int
    bias: int
    span: tuple[int, int]
    table: FrameTable | Absent


class FrameTables:
    """The tables of one process, each read when it is first needed."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._regions: Sequence[Region] = or_else(target.regions(), ())
        self._images: dict[int, LoadedImage | Absent] = {}

    def region_at(self, address: int) -> Region | None:
        """The mapping that holds `address`."""
        index = self._index(address)
        return None if index is None else self._regions[index]

    def _index(self, address: int) -> int | None:
        index = bisect_right(self._regions, address, key=lambda region: region.start) - 1
        inside = index >= 0 and address < self._regions[index].end
        return index if inside else None

    def image_at(self, address: int) -> LoadedImage | Absent:
        """The image that holds `address`: the nearest below it in mappings of the same name."""
        index = self._index(address)
        if index is None:
            return _NO_IMAGE
        name = self._regions[index].name
        for number in range(index, max(index - _MOST_BACK, -1), -1):
            region = self._regions[number]
            if region.name != name:
                if region.name and name:
                    break
                continue
            found = self._image(region.start)
            if isinstance(found, LoadedImage):
                return found if address < found.span[1] else _NO_IMAGE
        return _NO_IMAGE

    def _image(self, base: int) -> LoadedImage | Absent:
        if base not in self._images:
            self._images[base] = self._read_image(base)
        return self._images[base]

    def _read_image(self, base: int) -> LoadedImage | Absent:
        head = self._target.read_memory(base, elf.FILE_HEADER.size)
        if isinstance(head, Absent) or not head.startswith(elf.MAGIC):
            return _NO_IMAGE
        header = elf.file_header(head, "an image")
        count = min(header.program_header_count, _MOST_HEADERS)
        if header.program_header_size != elf.PROGRAM_HEADER.size or not count:
            return _NO_IMAGE
        raw = self._target.read_memory(
            base + header.program_headers, count * elf.PROGRAM_HEADER.size
        )
        if isinstance(raw, Absent):
            return raw
        headers = elf.program_headers_in(raw)
        loads = [one for one in headers if one.type == elf.PT_LOAD]
        if not loads:
            return _NO_IMAGE
        bias = elf.load_bias(base, loads)
        end = bias + max(one.address + one.memory_size for one in loads)
        span = (base, end)
        return LoadedImage(base, bias, span, self._table(headers, bias, span))

    def _table(
        self, headers: list[elf.ProgramHeader], bias: int, span: tuple[int, int]
    ) -> FrameTable | Absent:
        found = next((one for one in headers if one.type == elf.PT_GNU_EH_FRAME), None)
        if found is None:
            return Absent(Reason.NOT_APPLICABLE, "no .eh_frame_hdr")
        try:
            start = bias + found.address
            return FrameTable(self._target.read_memory, start, found.memory_size, span)
        except UnreadableError as error:
            return error.why
        except DamagedError as error:
            return Absent(Reason.DAMAGED, error.message)

    def has_table(self, pc: int) -> bool:
        """Whether the image that holds `pc` has a table that can be read."""
        image = self.image_at(pc)
        return isinstance(image, LoadedImage) and not isinstance(image.table, Absent)

    def rules_at(self, pc: int) -> FrameRules | None:
        """The rules that hold at `pc`; None where there are none."""
        entry = self.entry_at(pc)
        try:
            return None if isinstance(entry, Absent) else rules_at(entry, pc)
        except DamagedError:
            return None

    def entry_at(self, pc: int) -> Entry | Absent:
        """The entry that holds `pc`, or why there is none."""
        try:
            image = self.image_at(pc)
            if isinstance(image, Absent):
                return image
            return image.table if isinstance(image.table, Absent) else image.table.find(pc)
        except UnreadableError as error:
            return error.why
        except DamagedError as error:
            return Absent(Reason.DAMAGED, error.message)
