"""Cuts a core down to the memory that is asked for, so that a frozen one is small.

What is left out is then "not dumped", as where a process had it set in its coredump_filter: what
is kept is as the kernel wrote it, with all of the core's notes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.jits import jits
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.commands._offline import answer_line
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent, or_else, present
from mtedbg.session import Session
from tests.support.elf_core import PT_LOAD, file_header

PAGE = 4096
SMALL = 1 << 16
"""Writable mappings up to this size are kept whole: the loader's list of libraries is in them."""
STACK = 1 << 16
"""Bytes of each thread's stack that are kept, from its stack pointer up."""
ASKED = 64
"""Pieces of a JIT's code that are asked for by their addresses."""
SEARCH = 1 << 15
"""Longer reads are searches of all memory for what is not there: they find it no more without."""
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")


class Recording(CoreTarget):
    """A core that remembers which pages of it were read, but for searches."""

    def __init__(self, *words: object, **more: object) -> None:
        super().__init__(*words, **more)  # type: ignore[arg-type]
        self.pages: set[int] = set()

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """As the core has it."""
        found = super().read_memory(address, length)
        if not isinstance(found, Absent) and 0 < length <= SEARCH:
            self.pages |= set(range(address // PAGE, (address + length - 1) // PAGE + 1))
        return found


def read_by(target: Recording, commands: Sequence[str]) -> set[int]:
    """The numbers of the pages that backtraces and `commands` read, and debuggers before."""
    session = Session(target)
    assert session.runtimes
    assert session.jit_objects
    target.pages.clear()
    for thread in target.threads():
        host_calls(session, thread)
    for one in jits(session):
        if not isinstance(one.jit, Absent):
            for code in one.jit.blocks().codes[:ASKED]:
                if present(code.block):
                    start, end = code.block.start, code.block.end
                    for pc in (start, start + (end - start) // 8 * 4, end - 4):
                        one.jit.at(pc)
    for command in commands:
        with suppress(MtedbgError):
            answer_line(session, command)
    return target.pages | set(always_kept(target))


def always_kept(target: CoreTarget) -> Iterator[int]:
    """The pages that debuggers read before anything else."""
    for region in or_else(target.regions(), ()):
        if region.name.startswith("/"):
            yield region.start // PAGE  # a file's header, with its build id
        if region.perms.startswith("rw") and region.end - region.start <= SMALL:
            yield from range(region.start // PAGE, region.end // PAGE)
    for thread in target.threads():
        registers = or_else(target.registers(thread), {})
        first = registers.get("sp", 0) // PAGE
        yield from range(first, first + STACK // PAGE)


def trimmed(core: bytes, pages: Iterable[int]) -> bytes:
    """`core` with the given pages of its memory only.

    Args:
        core: an ELF core of 64 bits, little end first.
        pages: numbers of pages, address / 4096.
    """
    kept = sorted(set(pages))
    count, size = struct.unpack_from("<H", core, 56)[0], _PROGRAM_HEADER.size
    headers = [_PROGRAM_HEADER.unpack_from(core, 64 + size * at) for at in range(count)]
    made: list[tuple[tuple[int, ...], bytes]] = []
    for header in headers:
        kind, flags, offset, address, physical, in_file, in_memory, align = header
        if kind != PT_LOAD:
            made.append((header, core[offset : offset + in_file]))
            continue
        for start, end, has in _pieces(address, in_file, in_memory, kept):
            data = core[offset + start - address : offset + end - address] if has else b""
            made.append(((kind, flags, 0, start, physical, len(data), end - start, align), data))
    position = 64 + size * len(made)
    written = file_header(4, 183, len(made))
    for header, data in made:
        written += _PROGRAM_HEADER.pack(*header[:2], position, *header[3:])
        position += len(data)
    return written + b"".join(data for _, data in made)


def _pieces(
    address: int, in_file: int, in_memory: int, kept: list[int]
) -> Iterator[tuple[int, int, bool]]:
    """The parts of a segment, and whether each is kept; pages that adjoin are one part."""
    at, end = address, address + in_memory
    begin = at
    """Where the part begins that is kept and ends at `at`."""
    for page in kept:
        start = page * PAGE
        if not address <= start < address + in_file:
            continue
        if at < start:
            if begin < at:
                yield begin, at, True
            yield at, start, False
            begin = start
        at = max(at, start + PAGE)
    if begin < at:
        yield begin, at, True
    if at < end:
        yield at, end, False
