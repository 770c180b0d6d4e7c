"""The program and the libraries of a dead process, and their files where they are still the same.

A file is used only if it is proved to be the one that was mapped: same build id as the image's
first page in the core, or, where it has none, the same first page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mtedbg.adapters.core.kept import Kept, Opened
from mtedbg.adapters.core.places import Place, Places
from mtedbg.adapters.core.same_code import PAGE, ReadUpTo, same_code
from mtedbg.adapters.file_bytes import FileBytes, open_file
from mtedbg.budget import Budget
from mtedbg.dataclass import dataclass, field
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf, elf_symbols
from mtedbg.formats.buffer import Buffer, Read
from mtedbg.formats.debug_files import DebugLink, crc32_of, debug_link, mini_debug_info
from mtedbg.formats.elf import ProgramHeader
from mtedbg.formats.elf_symbols import JoinedTables, SymbolTable
from mtedbg.model.absent import Absent, Reason, or_else
from mtedbg.model.debug_file import DebugFile
from mtedbg.model.guest_program import GuestProgram
from mtedbg.model.image import ImageFile

NO_SYMBOLS = SymbolTable(bytes, b"", 0)
_MINI, _LINK = "packed symbols", "debug link"
_MISSING = "No such file"
_NOT_LOOKED_AT = "no build id in the core: this machine's file is used with --sysroot /"


@dataclass(slots=True)
class Image:
    """One ELF image in the process.

    Attributes:
        name: its path as the core has it; empty where the core does not say.
        base: where its first page is mapped.
        head: its first page as dumped; empty where it was not.
        headers: its program headers, from memory or else from its file; empty where unknown.
        file: its file, if it was found and is the same.
        header: the file's header.
        path: of that file.
        debug: its symbols, where they are in a file of their own.
        debug_data: that file.
        debug_place: where it was found.
        debug_path: of that file.
        refused: why files that were found are not used.
        recorded_id: its build id, where the core has it outside of the image.
        budget: of the report, which what is read of its files counts in.
        unasked: whether this machine's file of its name was not looked at.
        place: of the file that is used.
        kept: files that were opened before.
        measured: what was made of its headers, with them.
        machine: whose code it has: a translated program is of another one.
        same: whether a file with these program headers is it, by what memory has; None where that
            has nothing of it. Asked where there is no build id.
    """

    name: str
    base: int
    head: bytes
    headers: list[ProgramHeader]
    file: Buffer | None = None
    header: elf.FileHeader | None = None
    path: str = ""
    debug: SymbolTable | None = None
    debug_path: str = ""
    debug_data: Buffer | None = None
    debug_place: Place | None = None
    refused: list[str] = field(default_factory=list)
    table: SymbolTable | JoinedTables | None = None
    recorded_id: bytes = b""
    budget: Budget | None = None
    unasked: bool = False
    place: Place | None = None
    kept: Kept = field(default_factory=Kept)
    measured: tuple[list[ProgramHeader], tuple[int, int]] | None = None
    machine: int = elf.EM_AARCH64
    same: Callable[[Buffer, list[ProgramHeader]], bool | None] | None = None

    @property
    def is_guest(self) -> bool:
        """Whether it is of a program that is translated."""
        return self.machine != elf.EM_AARCH64

    @property
    def bias(self) -> int:
        """What is added to the image's own addresses."""
        return self._measured()[0]

    @property
    def end(self) -> int:
        """One past its last address."""
        return self._measured()[1]

    def _measured(self) -> tuple[int, int]:
        """Bias and end, which every read asks for: made once of each set of headers."""
        if self.measured is None or self.measured[0] is not self.headers:
            loads = _loads(self.headers)
            bias = elf.load_bias(self.base, loads)
            end = max((bias + h.address + h.memory_size for h in loads), default=self.base)
            self.measured = (self.headers, (bias, end))
        return self.measured[1]

    def build_id(self) -> bytes:
        """The build id in the dumped first page, or as recorded elsewhere, or nothing."""
        for header in self.headers:
            start = self.bias + header.address - self.base
            if header.type == elf.PT_NOTE and self.head and 0 <= start < len(self.head):
                found = elf.build_id(self.head, start, header.file_size)
                if found:
                    return found
        return self.recorded_id

    def _opened(self, place: Place) -> Opened:
        found = self.kept.opened(place)
        if self.budget is not None and isinstance(found[0], FileBytes):
            found[0].charge(self.budget)
        return found

    def use(self, place: Place, *, trusted: bool = False) -> str:
        """Takes the file at `place` if it is the image's.

        Args:
            place: of an executable or library.
            trusted: whether the user named it, so that it is used where nothing can be compared.

        Returns:
            Why it is not used, or nothing.
        """
        try:
            data, header, headers = self._opened(place)
        except FileFormatError as error:
            return error.message
        path = place.path
        if header.machine != self.machine:
            return f"{path} is a program for another machine"
        if why := self._differs(data, headers, path, trusted):
            return why
        self.file, self.header, self.headers, self.table = data, header, headers, None
        self.path, self.place = path, place
        return ""

    def use_debug(self, place: Place, crc: int | None = None) -> str:
        """Takes the symbols in the file at `place` if it is proved to be the image's.

        Args:
            place: of a file with symbols.
            crc: what the image's own file says of it (.gnu_debuglink); None where only the build id
                can prove it.

        Returns:
            Why they are not used, or nothing.
        """
        try:
            data, _, headers = self._opened(place)
        except FileFormatError as error:
            return error.message
        path = place.path
        mine, its = self.build_id(), elf.file_build_id(data, headers)
        linked = crc is not None and not (mine and its)
        if not linked and (not mine or mine != its):
            return f"{path} has build id {its.hex() or 'none'}, the core has {mine.hex() or 'none'}"
        if linked and crc32_of(data) != crc:
            return f"{path} is not the file that {self.path} was stripped into: its CRC differs"
        table = self.kept.symbols(place, self.bias)
        if table is None or not len(table):
            return f"{path} has no symbols"
        self.debug, self.debug_path, self.table = table, path, None
        self.debug_data, self.debug_place = data, place
        return ""

    def find(self, places: Places) -> None:
        """Looks for its file, and for a file with its symbols; takes the first that is right."""
        build_id = self.build_id().hex()
        self.unasked = places.asks_for_sysroot(build_id)
        self._first(places.of(self.name, build_id), self.use)
        self.find_debug(places)

    def find_debug(self, places: Places) -> None:
        """Looks for a file with its symbols alone: it has more than a stripped program."""
        if self._first(places.debug_of(self.name, self.build_id().hex()), self.use_debug):
            return
        link = self._link()
        if link is not None and self.place is not None:
            linked = places.linked(self.place, link.name)
            self._first(linked, lambda place: self.use_debug(place, link.crc))

    def _first(self, places: Iterable[Place], use: Callable[[Place], str]) -> bool:
        """Whether one of `places` is used."""
        for place in places:
            if not (why := use(place)):
                return True
            self.refuse(why)
        return False

    def refuse(self, why: str) -> None:
        """Keeps why a file that was found is not used; nothing where it is."""
        if why and _MISSING not in why:
            self.refused.append(why)

    def _differs(self, data: Buffer, headers: list[ProgramHeader], path: str, trusted: bool) -> str:
        mine, its = self.build_id(), elf.file_build_id(data, headers)
        if mine and its:
            if mine == its:
                return ""
            return f"{path} has build id {its.hex()}, the core has {mine.hex()}"
        same = self.same(data, headers) if self.same is not None else None
        if same is not None:
            return "" if same else f"{path} differs from what the core has of it"
        return "" if trusted else f"{path} cannot be compared: the core has nothing of it"

    def described(self) -> ImageFile:
        """What it is, and what is used for it."""
        remark = "; ".join(self.refused)
        if not self.path and not self.refused:
            remark = _NOT_LOOKED_AT if self.unasked and self.name else "not found"
            if not self.headers and not self.head:
                remark = "not an ELF image, or not dumped"
        build_id = self.build_id().hex()
        return ImageFile(self.base, self.name, build_id, self.path, self.debug_path, remark)

    def read(self, address: int, end: int) -> bytes:
        """What the file holds for [address, end); shorter where that ends.

        Only what the process cannot have changed: the image's read-only segments.
        """
        if self.file is None:
            return b""
        for header in _loads(self.headers):
            start = address - self.bias - header.address
            if 0 <= start < header.file_size and not header.flags & elf.PF_W:
                size = min(end - address, header.file_size - start)
                return self.file[header.offset + start : header.offset + start + size]
        return b""

    def debug_files(self) -> list[DebugFile]:
        """Its files that may have debug information, the best first."""
        found = []
        for place, data in ((self.debug_place, self.debug_data), (self.place, self.file)):
            if place is not None and data is not None:
                made = self.kept.made(place)
                found.append(DebugFile(place.path, data, self.bias, made))
        if mini := self._mini():
            found.append(DebugFile("", mini, self.bias))
        return found

    def _mini(self) -> bytes | None:
        """The symbols that are packed into its file (.gnu_debugdata)."""
        if self.file is None or self.place is None:
            return None
        made = self.kept.made(self.place)
        if _MINI not in made:
            made[_MINI] = mini_debug_info(self.file, self.path)
        found: bytes = made[_MINI]
        return found or None

    def _link(self) -> DebugLink | None:
        """What its file says of where its symbols are."""
        if self.file is None or self.place is None:
            return None
        made = self.kept.made(self.place)
        if _LINK not in made:
            made[_LINK] = debug_link(self.file, self.path)
        found: DebugLink | None = made[_LINK]
        return found

    def is_code(self, address: int) -> bool:
        """Whether `address` is in one of its executable segments."""
        place = address - self.bias
        return any(
            header.flags & elf.PF_X and 0 <= place - header.address < header.memory_size
            for header in _loads(self.headers)
        )

    def entry(self) -> int | None:
        """Where the program starts, by its file."""
        return None if self.header is None else self.header.entry + self.bias

    def symbols(self, read: Read) -> SymbolTable | JoinedTables:
        """Its symbols: from the file for them, its own, or else the dynamic ones as dumped."""
        if self.table is None:
            self.table = self.debug
        if self.table is None:
            self.table = self._own_symbols()
        if self.table is None:
            found = elf_symbols.from_memory(read, self.headers, self.bias)
            if isinstance(found, Absent) and found.reason is Reason.OVER_BUDGET:
                return NO_SYMBOLS
            self.table = or_else(found, NO_SYMBOLS)
        return self.table

    def _own_symbols(self) -> SymbolTable | JoinedTables | None:
        """Of its file: the full table; of a stripped one what is packed into it, and dynamic."""
        if self.place is None:
            return None
        table = self.kept.symbols(self.place, self.bias)
        mini = self._mini()
        if mini is None:
            return table
        more = elf_symbols.from_sections(mini, elf.file_header(mini, self.path), self.bias)
        return JoinedTables(*(one for one in (more, table) if one is not None))


def _loads(headers: Iterable[ProgramHeader]) -> list[ProgramHeader]:
    return [header for header in headers if header.type == elf.PT_LOAD]


def image_at(name: str, base: int, dumped: ReadUpTo) -> Image | None:
    """The image whose first page is at `base`: of AArch64, or of a program that is translated.

    Args:
        name: of the file that is mapped there, may be empty.
        base: of the mapping.
        dumped: what the core has; where it has not that page, a named file may still be an image.
    """
    head = dumped(base, base + PAGE)
    if not head:
        return Image(name, base, b"", []) if name else None
    try:
        header = elf.file_header(head, name)
        headers, _ = elf.program_headers(head, header, name)
    except FileFormatError:
        return None
    if header.machine not in elf.PROGRAM_MACHINES or header.type not in (elf.ET_EXEC, elf.ET_DYN):
        return None

    def same(data: Buffer, headers: list[ProgramHeader]) -> bool | None:
        return same_code(data, headers, elf.load_bias(base, _loads(headers)), dumped)

    return Image(name, base, head, headers, machine=header.machine, same=same)


def image_of(program: GuestProgram, read: ReadUpTo) -> Image:
    """A program that is translated, of which no mapping tells.

    Args:
        program: as its runtime has it.
        read: of the process, which has its code.
    """

    def same(data: Buffer, headers: list[ProgramHeader]) -> bool | None:
        return same_code(data, headers, program.bias, read)

    recorded = program.build_id
    return Image(
        program.path, 0, b"", [], recorded_id=recorded, machine=elf.EM_X86_64,
        same=None if recorded else same,
    )  # fmt: skip


def program_headers_offset(path: str) -> int | None:
    """Where the ELF file at `path` has its program headers, or None if it is not ELF."""
    try:
        return elf.file_header(open_file(path), path).program_headers
    except FileFormatError:
        return None
