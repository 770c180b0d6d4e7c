"""The mappings of a live process: all of them, or those around an address.

The whole of smaps is long: 700 bytes a mapping, which a server sends in packets, at every hit of a
breakpoint's condition. For a granule the record of its mapping is enough. Where that stood in the
file is kept from one stop to the next, and nothing else: it only says where to look, and what is
read there is believed as far as it goes. Where the address is not in it, all of the file is read.

`/proc/PID/maps`, a tenth as long, would not do to tell whether something changed: a mapping that
`mprotect` gives PROT_MTE, or another in its place, has the same line there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter

from mtedbg.adapters.debugger.spans import Regions
from mtedbg.formats.smaps import Placed, parse_extract, parse_placed
from mtedbg.model.absent import Absent
from mtedbg.model.memory import Region

PIECE = 4 << 10
"""Bytes that are read around a record: some six records, as many as the kernel gives at once."""

_start = attrgetter("region.start")


class Smaps:
    """One process's smaps, read anew each time.

    Args:
        whole: gives all of the file.
        piece: gives as many bytes as there are, up to a length, from an offset on.
    """

    def __init__(
        self, whole: Callable[[], bytes | Absent], piece: Callable[[int, int], bytes | Absent]
    ) -> None:
        self._whole = whole
        self._piece = piece
        self._placed: list[Placed] = []
        self._moved = 0

    def regions(self) -> Regions:
        """All mappings, or why they are not known."""
        text = self._whole()
        if isinstance(text, Absent):
            return text
        self._placed, self._moved = parse_placed(text), 0
        return [one.region for one in self._placed]

    def around(self, start: int, end: int) -> Sequence[Region] | None:
        """What is mapped in [start, end), in order of address.

        Returns:
            None where the place of that in the file is not known well enough.
        """
        if not self._placed:
            return None
        index = max(bisect_right(self._placed, start, key=_start) - 1, 0)
        guess = self._placed[index].offset + self._moved
        offset = max(guess - PIECE // 2, 0)
        piece = self._piece(offset, PIECE)
        if isinstance(piece, Absent):
            return None
        found = parse_extract(piece, offset, to_the_end=len(piece) < PIECE)
        if found is None or not found.start <= start < end <= found.end:
            return None
        # Mappings that were made or unmapped before it have moved it: the next guess is better.
        here = [one for one in found.placed if one.region.start <= start]
        self._moved += here[-1].offset - guess if here else 0
        return [
            one.region for one in found.placed if one.region.start < end and start < one.region.end
        ]
