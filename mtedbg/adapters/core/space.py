"""The address space of a dead process: what was dumped, what files still hold, what it was."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from posixpath import basename
from typing import TYPE_CHECKING

from mtedbg.adapters.core.images import Image, image_at, image_of, program_headers_offset
from mtedbg.adapters.core.places import Place, Places
from mtedbg.adapters.core.same_code import PAGE
from mtedbg.adapters.core.segments import Segments
from mtedbg.adapters.core.symbol_tables import Tables
from mtedbg.budget import Budget
from mtedbg.errors import OverBudgetError
from mtedbg.formats import core_notes as notes
from mtedbg.formats import elf
from mtedbg.formats.core_notes import FileMapping, Notes
from mtedbg.formats.debug_files import has_debug_info
from mtedbg.formats.elf_symbols import JoinedTables, SymbolTable
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.guest_program import GuestProgram

if TYPE_CHECKING:
    from mtedbg.adapters.core.debuginfod import Debuginfod

MAX_IMAGES = 1 << 14


class AddressSpace:
    """Memory with what is known of its origin. Files are opened when they are first needed."""

    def __init__(
        self,
        memory: Segments,
        known: Notes,
        places: Places,
        remarks: list[str],
        budget: Budget,
        debuginfod: Debuginfod | None = None,
    ) -> None:
        """Takes what the core says of memory.

        Args:
            memory: its PT_LOAD segments.
            known: its notes.
            places: where files are looked for.
            remarks: gets a line for each file that is not used.
            budget: of the report.
            debuginfod: asks servers for what is nowhere else; None where none is asked.
        """
        self._debuginfod = debuginfod
        self._fetched: set[int] = set()
        self._places = places
        self._budget = budget
        self._tables = Tables(budget)
        self._remarks = remarks
        self._tried: set[int] = set()
        self._programs: dict[tuple[str, bytes, int], Image] = {}
        self.memory = memory
        self.unmapped = known.unmapped
        self.auxv = known.auxv()
        self.files = known.files()
        self._file_starts = [mapping.start for mapping in self.files]
        self.images = sorted(self._find_images(), key=lambda image: image.base)
        self._bases = [image.base for image in self.images]

    def dumped(self, address: int, end: int) -> bytes:
        """The bytes that the core holds at `address`, up to `end` or the first hole."""
        parts = []
        for start, stop, segment in self.memory.pieces(address, end):
            if segment is None:
                break
            part = self.memory.contents(segment, start - segment.start, stop - segment.start)
            parts.append(part)
            if len(part) < stop - start:
                break
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read(self, address: int, length: int) -> bytes | Absent:
        """All bytes of [address, address + length), or why they are not all there."""
        try:
            return self._read(address, address + length)
        except OverBudgetError:
            return Absent(Reason.OVER_BUDGET)

    def _read(self, address: int, end: int) -> bytes | Absent:
        parts: list[bytes] = []
        position = address
        while position < end:
            part = self.dumped(position, end) or self._from_file(position, end)
            if not part:
                return self._why(position)
            parts.append(part)
            position += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _why(self, address: int) -> Absent:
        segment = self.memory.at(address)
        if segment is None and self.mapping_at(address) is None:
            return self.unmapped
        if segment is not None and address - segment.start < segment.size:
            return Absent(Reason.UNREADABLE, "the file has become shorter")
        if segment is not None and segment.size < segment.promised:
            return Absent(Reason.NOT_DUMPED, "the file is truncated")
        return Absent(Reason.NOT_DUMPED)

    def mapping_at(self, address: int) -> FileMapping | None:
        """The file mapping that holds `address`."""
        index = bisect_right(self._file_starts, address) - 1
        if index >= 0 and address < self.files[index].end:
            return self.files[index]
        return None

    def image_at(self, address: int) -> Image | None:
        """The image that holds `address`."""
        index = bisect_right(self._bases, address) - 1
        if index < 0:
            return None
        image = self.images[index]
        self._open(image)
        mapping = self.mapping_at(address)
        inside = address < image.end or (mapping is not None and mapping.name == image.name)
        return image if inside else None

    def executable(self) -> Image | None:
        """The program itself: the image that holds its own program headers (AT_PHDR)."""
        headers = self.auxv.get(notes.AT_PHDR)
        if headers is None:
            return None
        index = bisect_right(self._bases, headers) - 1
        return self.images[index] if index >= 0 and headers - self._bases[index] < PAGE else None

    def symbols(self, image: Image) -> SymbolTable | JoinedTables:
        """The symbols of an image.

        Raises:
            OverBudgetError: the report has read too much.
        """
        return self._tables.of(image, self.read)

    def opened(self) -> Iterator[Image]:
        """All images, the program first, each with its file if there is one."""
        program = self.executable()
        for image in ([program] if program else []) + [i for i in self.images if i is not program]:
            self._open(image)
            yield image

    def _open(self, image: Image) -> None:
        if image.base in self._tried or image.file is not None:
            return
        self._tried.add(image.base)
        try:
            image.find(self._places)
        except OverBudgetError as error:
            image.refused.append(error.message)
            return
        self._remarks += [f"{why}: not used" for why in image.refused]

    def of_program(self, program: GuestProgram) -> Image:
        """A translated program, of which no mapping tells, with its file."""
        key = program.path, program.build_id, program.bias
        if key not in self._programs:
            image = image_of(program, self.dumped)
            image.kept, image.budget = self._places.kept, self._budget
            self._programs[key] = image
            try:
                image.find(self._places)
            except OverBudgetError as error:
                image.refused.append(error.message)
            self._remarks += [f"{why}: not used" for why in image.refused]
        return self._programs[key]

    def fetch(self, image: Image) -> None:
        """Asks the debuginfod servers for what an image lacks, if the user agrees."""
        client, build_id = self._debuginfod, image.build_id().hex()
        if client is None or image.base in self._fetched or not build_id:
            return
        self._fetched.add(image.base)
        what = basename(image.name) or build_id
        if image.file is None and (path := client.fetch(build_id, "executable", what)):
            image.refuse(image.use(Place(path)))
        has_lines = any(has_debug_info(file.data, file.path) for file in image.debug_files())
        if not has_lines and (path := client.fetch(build_id, "debuginfo", f"{what}.debug")):
            image.refuse(image.use_debug(Place(path)))

    def use_executable(self, path: str) -> None:
        """Takes the file that the user named for the program, if it is the same.

        It is then the only candidate: a wrong one is not replaced in silence.
        """
        image = self.executable() or self._where_it_must_have_been(path)
        if image is None:
            self._remarks.append(f"{path} is not used: the core does not say where its program was")
            return
        self._tried.add(image.base)
        if why := image.use(Place(path), trusted=True):
            image.refused.append(why)
            self._remarks.append(f"{why}: not used")
        elif image.entry() != self.auxv.get(notes.AT_ENTRY, image.entry()):
            image.file, image.place, image.path = None, None, ""
            self._remarks.append(f"{path} has another entry point than the core says: not used")
        elif not image.head:
            self._remarks.append(f"{path} could not be compared: the core has nothing of it")
        else:
            image.find_debug(self._places)

    def _where_it_must_have_been(self, path: str) -> Image | None:
        """A place for a program of which the core has only the auxiliary vector."""
        headers = self.auxv.get(notes.AT_PHDR)
        offset = program_headers_offset(path)
        if headers is None or offset is None or headers < offset:
            return None
        image = Image("", headers - offset, b"", [], kept=self._places.kept, budget=self._budget)
        self.images = sorted([*self.images, image], key=lambda each: each.base)
        self._bases = [each.base for each in self.images]
        return image

    def _from_file(self, address: int, end: int) -> bytes:
        mapping = self.mapping_at(address)
        segment = self.memory.at(address)
        if segment is None and mapping is None:
            return b""
        if segment is not None and segment.flags & elf.PF_W:
            return b""
        image = self.image_at(address)
        if image is None or (mapping is not None and image.name != mapping.name):
            return b""
        # The core itself may hold bytes again from the next segment on.
        stop = segment.end if segment is not None else self.memory.next_start(address)
        return image.read(address, min(end, stop))

    def _find_images(self) -> Iterator[Image]:
        bases: dict[int, str] = {}
        names: set[str] = set()
        recorded = {mapping.start: mapping.build_id for mapping in self.files}
        for mapping in self.files:
            if mapping.offset == 0 and mapping.name not in names:
                names.add(mapping.name)
                bases[mapping.start] = mapping.name
        if not self.files:  # QEMU's guest cores do not say: look at every mapping
            bases = {s.start: "" for s in self.memory.ordered if s.size}
        elif notes.AT_SYSINFO_EHDR in self.auxv:
            bases.setdefault(self.auxv[notes.AT_SYSINFO_EHDR], "")
        for count, (base, name) in enumerate(bases.items()):
            if (image := image_at(name, base, self.dumped)) is not None:
                image.recorded_id = recorded.get(base, b"")
                image.kept = self._places.kept
                image.budget = self._budget
                yield image
            if count > MAX_IMAGES:
                return
