"""Allocation tags from a server, by `qMemTags` packets.

Source: GDB manual, "General Query Packets": `qMemTags:ADDRESS,LENGTH:TYPE`, numbers hexadecimal,
type 1 for allocation tags; the answer is `m` and one byte, in hexadecimal, for each granule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from mtedbg.adapters.debugger.spans import NOT_TAGGED, PAGE, Regions, by_region, hole_of, joined
from mtedbg.dataclass import replace
from mtedbg.errors import ConnectionLostError
from mtedbg.model.absent import Absent, Reason, present
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
            f"the server's answer to qMemTags is not valid: {answer[:40]!r}", "connect again"
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


class QemuStub:
    """QEMU's stub: a packet a granule.

    It knows length 1 only; any other puts the connection out of step for good. It answers an
    error where memory has no tags, and so does the rest of that page.

    The first granules of mappings, by which these are marked, are not asked for again until
    `forget` is called: when the program has run, or somebody may have written tags.
    """

    _UNREADABLE = Absent(Reason.UNREADABLE, "QEMU's stub gives tags of readable memory only")

    def __init__(self) -> None:
        self._first: dict[int, bytes | Absent] = {}

    def forget(self) -> None:
        """Believes no tag that was read before."""
        self._first.clear()

    def marked(self, send: Send, regions: Sequence[Region]) -> list[Region]:
        """`regions` with what QEMU's smaps leaves out: which of them are tagged.

        The first granule speaks for its mapping: QEMU cuts mappings where tagging changes.
        """
        readable = [region.start for region in regions if "r" in region.perms]
        self._first = {start: _ask(send, start, 1) for start in readable}
        return [replace(region, tagged=self._is_tagged(region)) for region in regions]

    def _is_tagged(self, region: Region) -> bool | Absent:
        if region.start not in self._first:
            return self._UNREADABLE
        return present(self._first[region.start])

    def tags(self, send: Send, start: int, end: int, regions: Regions) -> list[TagPiece]:
        """The tags of [start, end)."""
        if isinstance(regions, Absent):
            return joined(self._blind(send, start, end))
        return joined(self._pieces(send, start, end, regions))

    def _pieces(
        self, send: Send, start: int, end: int, regions: Sequence[Region]
    ) -> Iterator[TagPiece]:
        for low, high, region in by_region(start, end, regions):
            if (hole := hole_of(region)) is not None:
                yield TagPiece(low, high, hole)
            else:
                yield from self._pages(send, low, high, NOT_TAGGED)

    def _blind(self, send: Send, start: int, end: int) -> Iterator[TagPiece]:
        """Where mappings are not known: as far as that can be asked in bounded time."""
        limit = min(end, start + _MAX_BLIND_PAGES * PAGE)
        hole = Absent(Reason.NOT_TAGGED, "or not mapped: mappings are not known here")
        yield from self._pages(send, start, limit, hole)
        if limit < end:
            too_far = Absent(Reason.UNKNOWN, "too far to ask for each granule")
            yield TagPiece(limit, end, too_far)

    def _pages(self, send: Send, start: int, end: int, hole: Absent) -> Iterator[TagPiece]:
        at = start
        while at < end:
            stop = min(at - at % PAGE + PAGE, end)
            first = self._first[at] if at in self._first else _ask(send, at, 1)
            if isinstance(first, Absent):
                yield TagPiece(at, stop, hole)
            else:
                yield TagPiece(at, at + GRANULE, first)
                for granule in range(at + GRANULE, stop, GRANULE):
                    yield TagPiece(granule, granule + GRANULE, _ask(send, granule, 1))
            at = stop
