"""The program and the libraries of a dead process, and their files where they are still the same.

A file is used only if it is proved to be the one that was mapped: same build id as the image's
first page in the core, or, where it has none, the same first page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mtedbg.adapters.core import elf, symbols
from mtedbg.adapters.core.elf import Buffer, ProgramHeader
from mtedbg.adapters.core.mapped import map_file
from mtedbg.errors import FileFormatError
from mtedbg.model.absent import Absent

PAGE = 4096
_MAX_BUILD_ID_NOTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files of a dead process are looked for.

    Attributes:
        core: path of the core; its folder is one of the places.
        sysroot: folder below which the paths of the core are; "/" where it was made here.
        looked_for: whether they are looked for at all.
    """

    core: str
    sysroot: str
    looked_for: bool = True

    def of(self, name: str) -> list[str]:
        """Where the file that the core calls `name` may be."""
        path = PurePosixPath(name.removesuffix(" (deleted)"))
        if not self.looked_for or not path.is_absolute() or not path.name or ".." in path.parts:
            return []
        there = Path(self.sysroot) / path.relative_to("/")
        return [str(there), str(Path(self.core).absolute().with_name(path.name))]


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
    """

    name: str
    base: int
    head: bytes
    headers: list[ProgramHeader]
    file: Buffer | None = None
    header: elf.FileHeader | None = None
    table: symbols.SymbolTable | None = None

    @property
    def bias(self) -> int:
        """What is added to the image's own addresses."""
        first = min(_loads(self.headers), key=lambda h: h.address, default=None)
        return self.base - (first.address - first.offset) if first else self.base

    @property
    def end(self) -> int:
        """One past its last address."""
        ends = [self.bias + h.address + h.memory_size for h in _loads(self.headers)]
        return max(ends, default=self.base)

    def build_id(self) -> bytes:
        """The build id in the dumped first page, or nothing."""
        for header in self.headers:
            start = self.bias + header.address - self.base
            if header.type == elf.PT_NOTE and self.head and 0 <= start < len(self.head):
                found = elf.build_id(self.head, start, min(header.file_size, _MAX_BUILD_ID_NOTES))
                if found:
                    return found
        return b""

    def use(self, path: str, *, trusted: bool = False) -> str:
        """Takes the file at `path` if it is the image's.

        Args:
            path: of an executable or library.
            trusted: whether the user named it, so that it is used where nothing can be compared.

        Returns:
            Why it is not used, or nothing.
        """
        try:
            data = map_file(path)
            header = elf.file_header(data, path)
            headers, _ = elf.program_headers(data, header, path)
        except FileFormatError as error:
            return error.message
        if header.machine != elf.EM_AARCH64 or header.type not in (elf.ET_EXEC, elf.ET_DYN):
            return f"{path} is no AArch64 program or library"
        if why := self._differs(data, headers, path, trusted):
            return why
        self.file, self.header, self.headers, self.table = data, header, headers, None
        return ""

    def _differs(self, data: Buffer, headers: list[ProgramHeader], path: str, trusted: bool) -> str:
        mine, its = self.build_id(), _file_build_id(data, headers)
        if mine and its:
            same = mine == its
            return "" if same else f"{path} has build id {its.hex()}, the core has {mine.hex()}"
        if self.head:
            same = self.head == data[: len(self.head)]
            return "" if same else f"{path} differs from what the core has of it"
        return "" if trusted else f"{path} cannot be compared: the core has nothing of it"

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

    def entry(self) -> int | None:
        """Where the program starts, by its file."""
        return None if self.header is None else self.header.entry + self.bias

    def symbols(self, read: symbols.Read) -> symbols.SymbolTable | None:
        """Its symbols: from the file, or else the dynamic ones as dumped."""
        if self.table is None:
            if self.file is not None and self.header is not None:
                self.table = symbols.from_sections(self.file, self.header, self.bias)
            if self.table is None:
                found = symbols.from_memory(read, self.headers, self.bias)
                empty = symbols.SymbolTable(b"", b"", 0)
                self.table = empty if isinstance(found, Absent) else found
        return self.table


def _loads(headers: Iterable[ProgramHeader]) -> list[ProgramHeader]:
    return [header for header in headers if header.type == elf.PT_LOAD]


def _file_build_id(data: Buffer, headers: list[ProgramHeader]) -> bytes:
    for header in headers:
        if header.type == elf.PT_NOTE:
            found = elf.build_id(data, header.offset, min(header.file_size, _MAX_BUILD_ID_NOTES))
            if found:
                return found
    return b""


def image_at(name: str, base: int, head: bytes) -> Image | None:
    """The AArch64 image whose first page is at `base`.

    Args:
        name: of the file that is mapped there, may be empty.
        base: of the mapping.
        head: the page as dumped; nothing where it was not, and then a named file may still be one.
    """
    if not head:
        return Image(name, base, b"", []) if name else None
    try:
        header = elf.file_header(head, name)
        headers, _ = elf.program_headers(head, header, name)
    except FileFormatError:
        return None
    if header.machine != elf.EM_AARCH64 or header.type not in (elf.ET_EXEC, elf.ET_DYN):
        return None
    return Image(name, base, head, headers)


def program_headers_offset(path: str) -> int | None:
    """Where the ELF file at `path` has its program headers, or None if it is none."""
    try:
        return elf.file_header(map_file(path), path).program_headers
    except FileFormatError:
        return None
