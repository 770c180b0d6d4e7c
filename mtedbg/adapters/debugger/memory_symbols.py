"""Dynamic symbols of a process's images, read from its memory: no debugger is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.errors import FileFormatError
from mtedbg.formats import elf, elf_symbols
from mtedbg.model.absent import Absent, Reason, or_else

if TYPE_CHECKING:
    from mtedbg.formats.elf_symbols import SymbolTable
    from mtedbg.model.memory import Region

_PAGE = 4096


class MemorySymbols:
    """What images export.

    Args:
        read: all bytes of a range, or None.
        regions: the mappings.
    """

    def __init__(
        self, read: Callable[[int, int], bytes | None], regions: Sequence[Region] | Absent
    ) -> None:
        self._read = read
        self._starts = sorted(
            {one.name: one.start for one in reversed(or_else(regions, ())) if one.name}.values()
        )
        self._tables: list[SymbolTable] | None = None
        self._known: dict[str, int | Absent] = {}

    def address(self, name: str) -> int | Absent:
        """The address of the symbol `name`; in the image of lowest address that has it."""
        if name not in self._known:
            self._known[name] = self._found(name)
        return self._known[name]

    def _found(self, name: str) -> int | Absent:
        if self._tables is None:
            self._tables = list(self._made())
        for table in self._tables:
            found = table.definition(name)
            if found is not None:
                return found[0]
        return Absent(Reason.UNKNOWN)

    def _made(self) -> Iterator[SymbolTable]:
        for base in self._starts:
            head = self._read(base, _PAGE)
            if head is None or not head.startswith(elf.MAGIC):
                continue
            try:
                headers, _ = elf.program_headers(head, elf.file_header(head, "an image"), "it")
            except FileFormatError:
                continue
            loads = [one for one in headers if one.type == elf.PT_LOAD]
            if not loads:
                continue
            bias = elf.load_bias(base, loads)
            table = elf_symbols.from_memory(self._all, headers, bias)
            if not isinstance(table, Absent):
                yield table

    def _all(self, address: int, length: int) -> bytes | Absent:
        data = self._read(address, length)
        return Absent(Reason.UNREADABLE) if data is None else data
