"""Writing allocation tags: cutting a span into requests, and the packets to a server.

Source: GDB manual, "General Query Packets": `QMemTags:ADDRESS,LENGTH:TYPE:TAGS`, numbers and tags
hexadecimal, type 1 for allocation tags; a server repeats the tags from the first where they are
fewer than granules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice, pairwise

from mtedbg.adapters.debugger.spans import PAGE
from mtedbg.adapters.remote.tags import Send
from mtedbg.errors import ConnectionLostError
from mtedbg.model.pointer import GRANULE

NEXT_STEP = "`mte-tags ADDR LEN` shows what was written before"

_RANGE = 64 << 10
"""Bytes of memory a request is for."""
_PAIR = 2 * GRANULE


def server_write(send: Send, start: int, end: int, tags: bytes) -> None:
    """Through gdbserver or lldb-server; see `mtedbg.target.TagWriter`."""
    for low, high, piece in pieces(cuts(start, end), tags):
        _tell(send, low, high, piece)


def qemu_write(send: Send, start: int, end: int, tags: bytes) -> None:
    """Through QEMU's stub; see `mtedbg.target.TagWriter`."""
    for low, high, piece in pieces(_qemu_cuts(start, end), tags):
        _tell(send, low, high, piece)


def cuts(start: int, end: int) -> list[int]:
    """[start, end) in spans of at most `_RANGE` bytes, as the addresses between them."""
    return [*range(start, end, _RANGE), end]


def _qemu_cuts(start: int, end: int) -> list[int]:
    """For QEMU's stub (10.0): a page at most, and the odd granule before it by itself.

    The stub keeps two tags a byte and goes on to the next byte after every second tag, also where
    the first was the second of its byte: it then writes next to the range.
    """
    even = start + start % _PAIR
    pages = range(even - even % PAGE + PAGE, end, PAGE)
    return sorted({start, min(even, end), *pages, end})


def pieces(cuts: Sequence[int], tags: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Start, end and tags of the spans between `cuts`."""
    every = cycle(tags)
    for low, high in pairwise(cuts):
        yield low, high, bytes(islice(every, (high - low) // GRANULE))


def _tell(send: Send, start: int, end: int, tags: bytes) -> None:
    """One packet; a single tag is repeated by the server."""
    sent = tags[:1] if len(set(tags)) == 1 else tags
    answer = send(f"QMemTags:{start:x},{end - start:x}:1:{sent.hex()}")
    if answer != b"OK":
        raise ConnectionLostError(
            f"the server did not write tags at {start:#x}: it answers {answer[:40]!r}", NEXT_STEP
        )
