"""Writing allocation tags, by what is at the other end of GDB's connection.

Sources: GDB manual, "General Query Packets": `QMemTags:ADDRESS,LENGTH:TYPE:TAGS`, numbers and tags
hexadecimal, type 1 for allocation tags; a server repeats the tags from the first where they are
fewer than granules. Linux, Documentation/arch/arm64/memory-tagging-extension.rst:
PTRACE_POKEMTETAGS (34) takes an address of the tracee and an iovec of one byte a granule.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from itertools import cycle, islice, pairwise

import gdb

from mtedbg.adapters.gdb import link
from mtedbg.adapters.gdb.link import Kind
from mtedbg.adapters.spans import PAGE
from mtedbg.errors import ConnectionLostError, NotOnThisTargetError
from mtedbg.model.pointer import GRANULE

_PTRACE_POKEMTETAGS = 34
_RANGE = 64 << 10
"""Bytes of memory a request is for."""
_PAIR = 2 * GRANULE
_NEXT_STEP = "`mte-tags ADDR LEN` shows what was written before"


def write_tags(inferior: gdb.Inferior, start: int, end: int, tags: bytes) -> None:
    """See `mtedbg.target.TagWriter`."""
    kind = link.kind_of(inferior.connection)
    if kind in (Kind.SERVER, Kind.QEMU) and link.serves_tags():
        cuts = _qemu_cuts(start, end) if kind is Kind.QEMU else _cuts(start, end)
        for low, high, piece in _pieces(cuts, tags):
            _tell(inferior.connection, low, high, piece)
        return
    from mtedbg.adapters.gdb.tags_ptrace import can_peek

    if kind is not Kind.NATIVE or not can_peek():
        raise NotOnThisTargetError(
            "GDB has no way to write tags on this target", "the program itself can: STG, ST2G"
        )
    _by_ptrace(inferior.threads()[0].ptid[1], start, end, tags)


def _cuts(start: int, end: int) -> list[int]:
    """[start, end) in stretches of at most `_RANGE` bytes, as the addresses between them."""
    return [*range(start, end, _RANGE), end]


def _qemu_cuts(start: int, end: int) -> list[int]:
    """For QEMU's stub (10.0): a page at most, and the odd granule before it by itself.

    The stub keeps two tags a byte and goes on to the next byte after every second tag, also where
    the first was the second of its byte: it then writes beside the range.
    """
    even = start + start % _PAIR
    pages = range(even - even % PAGE + PAGE, end, PAGE)
    return sorted({start, min(even, end), *pages, end})


def _pieces(cuts: Sequence[int], tags: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Start, end and tags of the stretches between `cuts`."""
    every = cycle(tags)
    for low, high in pairwise(cuts):
        yield low, high, bytes(islice(every, (high - low) // GRANULE))


def _tell(connection: gdb.RemoteTargetConnection, start: int, end: int, tags: bytes) -> None:
    """One packet; a single tag is repeated by the server."""
    told = tags[:1] if len(set(tags)) == 1 else tags
    answer = link.send(connection, f"QMemTags:{start:x},{end - start:x}:1:{told.hex()}")
    if answer != b"OK":
        raise ConnectionLostError(
            f"the server did not write tags at {start:#x}: it answers {answer[:40]!r}", _NEXT_STEP
        )


def _by_ptrace(tid: int, start: int, end: int, tags: bytes) -> None:
    from mtedbg.adapters.gdb.tags_ptrace import request

    for low, high, piece in _pieces(_cuts(start, end), tags):
        buffer = ctypes.create_string_buffer(piece, len(piece))
        done = request(_PTRACE_POKEMTETAGS, tid, low, buffer)
        if done != (high - low) // GRANULE:
            why = os.strerror(-done) if done < 0 else f"{done} tags were written"
            raise ConnectionLostError(
                f"ptrace did not write all tags at {low:#x}: {why}", _NEXT_STEP
            )
