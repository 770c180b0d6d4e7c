"""PCRE2's machine code of regular expressions, by its address.

Its compiler, sljit, takes executable memory in chunks and cuts them into blocks. Before each block
is its own size and that of the block before; that these agree from block to block confirms them. In
the ordinary heap the expression has the address of its code, and the code's true size. What the
expression was as text is not kept; its groups' names are.

Sources: sljit, sljit_src/allocator_src/sljitExecAllocatorCore.c; PCRE2, src/pcre2_jit_compile.c
(`executable_functions`), src/pcre2_intmodedep.h (`pcre2_real_code`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.code_pointers import CodePointers
from mtedbg.decode.jits.words import HoleError, smallest_first

MOST_BEFORE = 1 << 20
"""Bytes in front of a PC in which its block begins at the latest."""
MODES = ("complete matches", "partial matches, soft", "partial matches, hard")
_WORD, _HEADER, _END = 8, 16, 1
_SMALLEST, _LARGEST, _NEAR = 32, 1 << 26, 1 << 14
_FREE_SIZE = 0x20
MOST_PAGES = 1 << 13
"""Of memory that may be executed: a chunk has few, mappings of others may have terabytes."""
_MOST_IN_CHUNK, _MOST_BLOCKS = 1 << 16, 1 << 17
_PAGE = 4096
_SIZES = 0x30
_TABLES, _CODE_OF = 0x18, 0x20
_MAGIC = 0x50435245
_LAYOUTS = ((0x58, 0x88, 0x98), (0x50, 0x80, 0x88))
"""Of the magic number, of the counts, of the first name: since PCRE2 10.45, and before."""
_COUNTS = struct.Struct("<4H")
_MOST_NAMES, _LONGEST_NAME = 1 << 10, 1 << 8


@dataclass(frozen=True, slots=True)
class Block:
    """A block of executable memory.

    Attributes:
        start: where its code may begin.
        end: one past its last byte.
    """

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expression:
    """What is known of a regular expression by its code.

    Attributes:
        end: one past the last byte of the code.
        mode: an index of `MODES`; None where its compiled form is not found.
        groups: how many it has, and the names of those that have some; None likewise.
    """

    end: int
    mode: int | None
    groups: tuple[int, tuple[str, ...]] | None


class RegularExpressions:
    """The code of a process.

    Args:
        searched: its memory.

    Attributes:
        searched: the same.
        is_cut: whether `all` has not looked at all places where code may be.
    """

    def __init__(self, searched: CodePointers) -> None:
        self.searched = searched
        self.is_cut = False
        self._words = searched.words
        self._known: dict[int, Expression | None] = {}

    def at(self, pc: int) -> Block | None:
        """The block that holds `pc`, and whose code an expression has; else None."""
        run = next((one for one in self.searched.runs if one[0] <= pc < one[1]), None)
        if run is None:
            return None
        lowest = max(run[0], (pc - MOST_BEFORE) // _WORD * _WORD)
        for at, size in self._before(pc, lowest):
            try:
                if self._fits(at, size, run):
                    block = Block(at + _HEADER, at + size)
                    return block if self.expression(block) is not None else None
            except HoleError:
                return None
        return None

    def _before(self, pc: int, lowest: int) -> Iterator[tuple[int, int]]:
        """Where a block that holds `pc` may begin, the last one first, and what would be its size.

        What is near is read first: most expressions are small.
        """
        end, size = (pc - _HEADER) // _WORD * _WORD + _WORD, _NEAR
        while end > lowest:
            start = max(lowest, end - size)
            for piece, data in reversed([*self._words.pieces(start, end)]):
                whole = memoryview(data)[: len(data) // _WORD * _WORD].cast("Q")
                for number in range(len(whole) - 1, -1, -1):
                    at, held = piece + _WORD * number, whole[number]
                    if _SMALLEST <= held <= _LARGEST and at + held > pc:
                        yield at, held
            end, size = start, MOST_BEFORE

    def all(self) -> Iterator[Block]:
        """All blocks that expressions have, in the order of addresses.

        At most `MOST_PAGES` places are looked at, where a chunk may begin.
        """
        blocks = [*islice(self._blocks(), _MOST_BLOCKS)]
        self.is_cut |= len(blocks) == _MOST_BLOCKS
        for block in sorted(blocks, key=lambda one: one.start):
            if self.expression(block) is not None:
                yield block

    def _blocks(self) -> Iterator[Block]:
        """All blocks, also those of other programs that use this allocator."""
        left = MOST_PAGES
        for start, end in smallest_first(self.searched.runs):
            at = start
            while at < end:
                if not left:
                    self.is_cut = True
                    return
                left -= 1
                chunk = [*self._chunk(at, end)]
                yield from chunk
                # The next chunk may follow at any page.
                past = chunk[-1].end + _HEADER if chunk else at + _PAGE
                at = (past + _PAGE - 1) // _PAGE * _PAGE

    def expression(self, block: Block) -> Expression | None:
        """The expression that a block is of; None where none is found."""
        if block.start not in self._known:
            self._known[block.start] = self._expression(block)
        return self._known[block.start]

    # Blocks.

    def _fits(self, at: int, size: int, run: tuple[int, int]) -> bool:
        """Whether the blocks before and after agree that one of `size` is at `at`."""
        words = self._words
        if size % _WORD or at + size + _HEADER > run[1] or words.word(at + size + _WORD) != size:
            return False
        before = words.word(at + _WORD)
        if not before:
            return at % _PAGE == 0
        return at - before >= run[0] and self._size(at - before) == before

    def _size(self, at: int) -> int:
        """The size of a block, also of one that is free."""
        return self._words.word(at) or self._words.word(at + _FREE_SIZE)

    def _chunk(self, at: int, end: int) -> Iterator[Block]:
        """The blocks of the chunk that begins at `at`; none where none does."""
        before = 0
        found: list[Block] = []
        try:
            for _ in range(_MOST_IN_CHUNK):
                used, said = self._words.words(at, 2)
                if said != before:
                    return
                if used == _END:
                    yield from found
                    return
                size = self._size(at)
                if size % _WORD or not _SMALLEST <= size <= end - at - _HEADER:
                    return
                if used:
                    found.append(Block(at + _HEADER, at + size))
                at, before = at + size, size
        except HoleError:
            return

    # Expressions.

    def _expression(self, block: Block) -> Expression | None:
        """The expression whose list of functions has the block, and which of them it is.

        Three functions and their three sizes are side by side: which one it is, is told by the
        expression alone, which has the address of the first.
        """
        found = None
        for at in self.searched.places(block.start):
            try:
                size = self._words.word(at + _SIZES)
            except HoleError:
                continue
            if not 0 < size <= block.end - block.start:
                continue
            found = found or Expression(block.start + size, None, None)
            for mode in range(len(MODES)):
                groups = self._groups_of(at - _WORD * mode)
                if groups is not None:
                    return Expression(block.start + size, mode, groups)
        return found

    def _groups_of(self, functions: int) -> tuple[int, tuple[str, ...]] | None:
        for at in self.searched.places(functions):
            for magic, counts, first in _LAYOUTS:
                try:
                    if self._words.number(at - _CODE_OF + magic) == _MAGIC:
                        return self._groups(at - _CODE_OF, counts, first)
                except HoleError:
                    continue
        return None

    def _groups(self, code: int, counts: int, first: int) -> tuple[int, tuple[str, ...]]:
        """How many groups an expression has, and the names of those that have some."""
        brackets, _, size, count = _COUNTS.unpack(self._words.bytes(code + counts, _COUNTS.size))
        names: dict[int, str] = {}
        for number in range(min(count, _MOST_NAMES)):
            entry = self._words.bytes(code + first + size * number, min(size, _LONGEST_NAME))
            group = int.from_bytes(entry[:2], "big")
            name = entry[2:].partition(b"\0")[0].decode("utf-8", "replace")
            if not 0 < group <= brackets or not name.isidentifier():
                return brackets, ()
            names[group] = name
        return brackets, tuple(names[group] for group in sorted(names))
