"""ELF files that lie in memory with the code that they describe: wasmtime's artifacts.

A compiler that makes a whole ELF file and maps it executable leaves all that it says of the code in
front of it, with no option set: the file begins at a page of anonymous memory, and each section
lies as far behind that as it does in the file. Addresses in the file itself are its own.

Source: wasmtime's artifacts as found in processes (versions 29 and 50); gABI, chapter 4.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from mtedbg.dataclass import dataclass
from mtedbg.decode.code.wasm_places import PLACES, position_at
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.decode.pages import Pages
from mtedbg.formats import elf
from mtedbg.formats.elf_object import ElfObject
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else, present
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes
from mtedbg.model.memory import Region
from mtedbg.target import Target

MOST_BACK = 32 << 20
"""Bytes before code that are searched at least for the beginning of its file."""
MOST = 1 << 16
"""Functions that are listed at most."""
_PAGE = 4096
_PIECE = 1 << 20
_LARGEST = 1 << 30
_ENGINE = ".wasmtime.engine"
_MOST_VERSION = 16
_NAMED = re.compile(r"wasm\[\d+\]::function\[\d+\]::(.+)")


@dataclass(frozen=True, slots=True)
class ObjectInMemory:
    """One such file.

    Attributes:
        start: where it begins.
        end: one past the last of its code.
        object: what it says.
        version: who made it: "wasmtime 50"; empty where that is not known.
    """

    start: int
    end: int
    object: ElfObject
    version: str = ""


class ObjectsInMemory:
    """Those of one process, each looked for when a PC is asked about.

    Args:
        target: the process.
        anonymous: whether a mapping is of no file.
    """

    def __init__(self, target: Target, anonymous: Callable[[Region], bool]) -> None:
        self._target = target
        self._pages = Pages(target)
        regions = or_else(target.regions(), ())
        self._regions: Sequence[Region] = [one for one in regions if anonymous(one)]
        self._found: list[ObjectInMemory] = []
        self._tried: set[int] = set()
        self._searches: dict[tuple[int, int], Iterator[int]] = {}

    def at(self, pc: int) -> ForeignCode | None:
        """What holds `pc`; None where it is in no such file."""
        found = self.object_at(pc)
        return None if found is None else self._code(found, pc)

    def object_at(self, pc: int) -> ObjectInMemory | None:
        """The file whose code holds `pc`."""
        holders = (one for one in self._found if _holds(one, pc))
        known = max(holders, key=lambda one: one.start, default=None)
        index = bisect_right(self._regions, pc, key=lambda region: region.start) - 1
        if known is not None or index < 0 or pc >= self._regions[index].end:
            return known
        for start in self._search(index, pc):
            if start in self._tried:
                continue
            self._tried.add(start)
            made = self._made(start)
            if made is not None:
                self._found.append(made)
                if _holds(made, pc):
                    return made
        return None

    def _search(self, index: int, pc: int) -> Iterator[int]:
        """What is left of the search through memory at and before `pc`.

        It begins behind the PC, at the end of its mapping or of so much of it as one search is
        for: so no answer depends on which PC was asked about first.
        """
        region, part = self._regions[index], pc // MOST_BACK
        key = region.start, part
        if key not in self._searches:
            end = min(region.end, (part + 1) * MOST_BACK)
            self._searches[key] = self._beginnings(index, end, 2 * MOST_BACK)
        return self._searches[key]

    def listed(self) -> ForeignCodes | None:
        """Their functions; None where there is none."""
        for region in self._regions:
            if "x" in region.perms:
                self.object_at(region.start)
        codes: list[ForeignCode] = []
        for one in self._found:
            for symbol in or_else(one.object.symbols(), ()):
                codes.append(self._made_of(one, symbol))
        if not self._found:
            return None
        left = len(codes) - MOST
        cut = f"{left} more functions" if left > 0 else ""
        version = self._found[0].version
        return ForeignCodes(CodeSource.OBJECT, tuple(codes[:MOST]), cut, version)

    def _code(self, found: ObjectInMemory, pc: int) -> ForeignCode:
        return self._made_of(found, found.object.symbol_at(pc), pc)

    def _made_of(
        self, found: ObjectInMemory, symbol: CodeSpan | Absent, pc: int | None = None
    ) -> ForeignCode:
        kind = "trampoline" if present(symbol) and "trampoline" in symbol.name else "function"
        at = pc if pc is not None else symbol.start if present(symbol) else found.start
        pieces = or_else(found.object.code(), [])
        span = next((one for one in pieces if one.start <= at < one.end), NOT_APPLICABLE)
        return ForeignCode(
            CodeSource.OBJECT,
            NOT_APPLICABLE,
            symbol if present(symbol) and pc is None else span,
            symbol,
            (f"by the ELF file at {found.start:#x}",) if pc is not None else (),
            kind if present(symbol) else "ELF object",
            "object",
            function=_function(symbol),
            guest_rip=NOT_APPLICABLE if pc is None else self._bytecode(found.object, pc),
            version=found.version,
        )

    def _bytecode(self, one: ElfObject, pc: int) -> int | Absent:
        """Where in its module the wasm instruction is that the code at `pc` came from."""
        section, code = one.named(PLACES), or_else(one.code(), [])
        if section is None or not code or not code[0].start <= pc:
            return NOT_APPLICABLE
        words = Words(self._target)
        try:
            return position_at(words, section.address, section.size, pc - code[0].start)
        except HoleError as hole:
            return hole.why

    def _beginnings(self, index: int, end: int, most: int) -> Iterator[int]:
        """Pages that begin like an ELF file, in mappings right before `end`, the nearest first.

        Args:
            index: of the mapping that `end` is in, or is the end of.
            end: where the search begins.
            most: bytes that are searched.
        """
        left = most
        while index >= 0 and left > 0:
            region = self._regions[index]
            stop = min(region.end, end)
            floor = max(region.start, stop - left)
            for start in range((stop - 1) // _PIECE * _PIECE, floor - _PIECE, -_PIECE):
                low = max(start, floor)
                data = self._target.read_memory(low, max(stop - low, 0))
                if not isinstance(data, Absent):
                    yield from _magics(low, data)
                left -= stop - low
                stop = low
            end = region.start
            index -= 1
            if index >= 0 and self._regions[index].end != end:
                return

    def _made(self, start: int) -> ObjectInMemory | None:
        one = ElfObject(self._pages.read, start, _LARGEST, in_place=True)
        if one.is_loaded_by_segments:  # a library, in a core that has no names of files
            return None
        code = one.code()
        if isinstance(code, Absent) or not code:
            return None
        return ObjectInMemory(start, max(span.end for span in code), one, self._version(one))

    def _version(self, one: ElfObject) -> str:
        section = one.named(_ENGINE)
        if section is None or section.size < 4:
            return ""
        data = self._pages.read(section.address, min(section.size, _MOST_VERSION))
        if isinstance(data, Absent):
            return "wasmtime"
        # A byte, the length of the version, the version.
        word = data[2 : 2 + data[1]]
        return f"wasmtime {word.decode('ascii', 'replace')}" if word.isascii() else "wasmtime"


def _function(symbol: CodeSpan | Absent) -> str | Absent:
    """The wasm function's own name, where the module has one: without its numbers."""
    named = None if isinstance(symbol, Absent) else _NAMED.fullmatch(symbol.name)
    return named[1] if named else NOT_APPLICABLE


def _holds(one: ObjectInMemory, pc: int) -> bool:
    return any(span.start <= pc < span.end for span in or_else(one.object.code(), []))


def _magics(start: int, data: bytes) -> list[int]:
    first = -start % _PAGE
    found = [start + at for at in range(first, len(data), _PAGE) if data.startswith(elf.MAGIC, at)]
    return found[::-1]
