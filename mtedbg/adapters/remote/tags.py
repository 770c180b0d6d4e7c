"""Allocation tags from a server, by `qMemTags` packets.

Source: GDB manual, "General Query Packets": `qMemTags:ADDRESS,LENGTH:TYPE`, numbers hexadecimal,
type 1 for allocation tags; the answer is `m` and one byte, in hexadecimal, for each granule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from mtedbg.adapters.debugger.spans import NOT_TAGGED, PAGE, Regions, by_region, hole_of, joined
from mtedbg.errors import ConnectionLostError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.pointer import GRANULE

_RANGE = 64 << 10
"""Bytes a packet asks for: 8 KiB of answer, half of what gdbserver's packets hold."""

_MAX_BLIND_PAGES = 1 << 16
_ANSWER = re.compile(rb"m((?:0[0-9a-f])+)")

Send = Callable[[str], bytes]
"""Gives the server's answer to a packet, empty where it does not know it.

Raises `ConnectionLostError` where the connection broke.
"""


def _ask(send: Send, start: int, length: int) -> bytes | Absent:
    """The tags of `length` bytes as the server gives them, or the error that it answers.

    Raises:
        ConnectionLostError: the answer is none, or one to another question.
    """
    answer = send(f"qMemTags:{start:x},{length:x}:1")
    if answer.startswith(b"E"):
        return Absent(Reason.UNREADABLE, f"the server answers {answer[:16].decode('latin-1')}")
    match = _ANSWER.fullmatch(answer)
    if match is None:
        raise ConnectionLostError(
            f"the server's answer to qMemTags is no answer: {answer[:40]!r}", "connect again"
        )
    tags = bytes.fromhex(match[1].decode())
    wanted = -(-length // GRANULE)
    if len(tags) != wanted:
        raise ConnectionLostError(f"the server gave {len(tags)} tags of {wanted}", "connect again")
    return tags


def server_tags(send: Send, start: int, end: int, regions: Regions) -> list[TagPiece]:
    """Tags from gdbserver: whole ranges, and only of memory that is known to be tagged.

    gdbserver 13 dies, and the program with it, where a range touches a page without tags or
    none at all: where mappings are not known, nothing is asked.
    """
    if isinstance(regions, Absent):
        return [TagPiece(start, end, regions)]
    return joined(_server_pieces(send, start, end, regions))


def _server_pieces(
    send: Send, start: int, end: int, regions: Sequence[Region]
) -> Iterator[TagPiece]:
    for low, high, region in by_region(start, end, regions):
        if (hole := hole_of(region)) is not None:
            yield TagPiece(low, high, hole)
            continue
        for at in range(low, high, _RANGE):
            stop = min(at + _RANGE, high)
            yield TagPiece(at, stop, _ask(send, at, stop - at))


def qemu_tags(send: Send, start: int, end: int, regions: Regions) -> list[TagPiece]:
    """Tags from QEMU's stub: a packet a granule.

    It knows length 1 only; any other puts the connection out of step for good. It answers an
    error where memory has no tags, and so does the rest of that page.
    """
    if isinstance(regions, Absent):
        return joined(_blind(send, start, end))
    return joined(_qemu_pieces(send, start, end, regions))


def _qemu_pieces(send: Send, start: int, end: int, regions: Sequence[Region]) -> Iterable[TagPiece]:
    for low, high, region in by_region(start, end, regions):
        if (hole := hole_of(region)) is not None:
            yield TagPiece(low, high, hole)
        else:
            yield from _pages(send, low, high, NOT_TAGGED)


def _blind(send: Send, start: int, end: int) -> Iterator[TagPiece]:
    """Where mappings are not known: as far as that can be asked in bounded time."""
    limit = min(end, start + _MAX_BLIND_PAGES * PAGE)
    hole = Absent(Reason.NOT_TAGGED, "or not mapped: mappings are not known here")
    yield from _pages(send, start, limit, hole)
    if limit < end:
        yield TagPiece(limit, end, Absent(Reason.UNKNOWN, "too far to ask for granule by granule"))


def _pages(send: Send, start: int, end: int, hole: Absent) -> Iterator[TagPiece]:
    at = start
    while at < end:
        stop = min(at - at % PAGE + PAGE, end)
        if isinstance(_ask(send, at, 1), Absent):
            yield TagPiece(at, stop, hole)
        else:
            for granule in range(at, stop, GRANULE):
                tag = _ask(send, granule, 1)
                yield TagPiece(granule, granule + GRANULE, tag)
        at = stop


def qemu_marked(send: Send, regions: Sequence[Region]) -> list[Region]:
    """`regions` with what QEMU's smaps leaves out: which of them are tagged.

    The first granule speaks for its mapping: QEMU cuts mappings where tagging changes.
    """
    unreadable = Absent(Reason.UNREADABLE, "QEMU's stub gives tags of readable memory only")
    return [
        replace(
            region,
            tagged=not isinstance(_ask(send, region.start, 1), Absent)
            if "r" in region.perms
            else unreadable,
        )
        for region in regions
    ]
