"""Whether a file is the one that runs, by what memory has of it: many have no build id."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mtedbg.formats import elf

if TYPE_CHECKING:
    from mtedbg.formats.buffer import Buffer
    from mtedbg.formats.elf import ProgramHeader

PAGE = 4096
MOST_PAGES = 256
"""Of a segment; they are spread over it."""

ReadUpTo = Callable[[int, int], bytes]
"""The bytes of [address, end) that memory has, up to the first that it has not."""


def same_code(
    data: Buffer, headers: Iterable[ProgramHeader], bias: int, read: ReadUpTo
) -> bool | None:
    """Compares a file's constant segments with memory.

    Args:
        data: the file.
        headers: its program headers.
        bias: addresses in the process less those in the file.
        read: of the process.

    Returns:
        None where memory has nothing of it.
    """
    found = None
    for header in headers:
        if header.type != elf.PT_LOAD or header.flags & elf.PF_W:
            continue
        step = max(1, -(-header.file_size // (PAGE * MOST_PAGES))) * PAGE
        for into in range(0, header.file_size, step):
            end = min(into + PAGE, header.file_size)
            address = bias + header.address
            there = read(address + into, address + end)
            if there and there != data[header.offset + into : header.offset + into + len(there)]:
                return False
            found = True if there else found
    return found
