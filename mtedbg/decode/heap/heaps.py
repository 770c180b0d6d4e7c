"""Every allocator whose memory can be read, behind one question: what is around an address.

How to add one: a file here with a class or function that says, of a mapping, which objects are in
a stretch of it, or `Absent` where the memory is not its own; and a line in `Heaps.around`. It has
to refuse what is not its own by what the memory itself holds: names of libraries are a help only,
as programs are linked statically, and have heaps of their own beside the C library's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.decode.heap import glibc, hardened, scudo
from mtedbg.decode.heap.hardened import HardenedHeap, hardened_heap
from mtedbg.decode.heap.memory import LONGEST, LONGEST_LIVE, HeapMemory
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.memory_object import MemoryObject
from mtedbg.model.pointer import granule_of

if TYPE_CHECKING:
    from mtedbg.model.memory import Region
    from mtedbg.target import Target

REACH = 1 << 12
"""Bytes on both sides of an address whose objects are looked at."""


@dataclass(frozen=True, slots=True)
class HeapAround:
    """The part of a heap around an address.

    Attributes:
        allocator: whose it is.
        address: without tag.
        objects: in order of address; what is free and what was never given out among them.
    """

    allocator: str
    address: int
    objects: tuple[MemoryObject, ...]

    @property
    def here(self) -> MemoryObject | None:
        """The object that holds the address; None in a header, or between two."""
        return next((one for one in self.objects if one.start <= self.address < one.end), None)

    @property
    def before(self) -> MemoryObject | None:
        """The last object that ends at the address or before it."""
        return next((one for one in reversed(self.objects) if one.end <= self.address), None)

    @property
    def after(self) -> MemoryObject | None:
        """The first object that begins after the address."""
        return next((one for one in self.objects if one.start > self.address), None)


class Heaps:
    """The heaps of a process, whosever they are."""

    def __init__(self, target: Target, names: Sequence[str] = (), *, live: bool = False) -> None:
        """Takes a process.

        Args:
            target: whose memory.
            names: files that are mapped into it.
            live: whether it is a live process: nothing is looked for all over that.
        """
        self._target = target
        self._live = live
        self._named = any("scudo" in name for name in names)

    @cached_property
    def _hardened(self) -> HardenedHeap | None:
        return None if self._live else hardened_heap(self._target)

    @cached_property
    def _cookie(self) -> scudo.Cookie | None:
        """Scudo's, by headers all over the process."""
        regions = () if self._live else self._target.regions()
        known = () if isinstance(regions, Absent) else regions
        tagged = (
            HeapMemory(self._target, one.start, one.end)
            for one in known
            if one.tagged is True and one.dumped and not one.name.startswith(("/", "[stack"))
        )
        return scudo.common_cookie(tagged, named=self._named)

    def around(self, region: Region, address: int, reach: int = REACH) -> HeapAround | Absent:
        """What an allocator has around an address.

        Args:
            region: the mapping that holds the address.
            address: without tag.
            reach: bytes on both sides that matter.

        Returns:
            Absent where no allocator that is known here has that memory.
        """
        if region.tagged is False or region.name.startswith(("/", "[stack", "[vdso")):
            return NOT_APPLICABLE
        longest = LONGEST_LIVE if self._live else LONGEST
        memory = HeapMemory(self._target, region.start, region.end, longest)
        low = max(granule_of(address) - reach, region.start)
        high = min(address + reach, region.end)
        chunks = glibc.objects(memory, low, high)
        if isinstance(chunks, Absent):
            # A walk from further away meets what a walk from nearby does not: a damaged header.
            chunks = glibc.objects(memory, granule_of(address), high)
        if not isinstance(chunks, Absent):
            return HeapAround(glibc.NAME, address, tuple(chunks))
        named = self._named or "scudo" in region.name
        found = scudo.scudo_heap(memory, address, named=named)
        if isinstance(found, Absent) and self._cookie is not None:
            found = scudo.ScudoHeap(memory, self._cookie)
        given = () if isinstance(found, Absent) else tuple(found.objects(low, high))
        if given:
            return HeapAround(scudo.NAME, address, given)
        if self._hardened is not None and self._hardened.holds(address):
            return HeapAround(hardened.NAME, address, tuple(self._hardened.objects(low, high)))
        return chunks
