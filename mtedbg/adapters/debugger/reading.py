"""Reading memory through a debugger: all of it, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable

from mtedbg.adapters.debugger.spans import Regions, by_region
from mtedbg.model.absent import Absent, Reason

_CHUNK = 1 << 20


def read_whole(
    read: Callable[[int, int], bytes | None],
    regions: Callable[[], Regions],
    address: int,
    length: int,
) -> bytes | Absent:
    """All `length` bytes at `address`, as the port has it.

    Args:
        read: the debugger's way: address and length to as many bytes, or None.
        regions: the mappings, asked for where it fails.
        address: without tag and PAC bits.
        length: in bytes.
    """
    if address + length > 1 << 64:
        return Absent(Reason.UNMAPPED)
    parts = []
    # In pieces: an absurd length fails at its first hole and not in an allocation.
    for start in range(address, address + length, _CHUNK):
        size = min(_CHUNK, address + length - start)
        part = read(start, size)
        if part is None:
            return _why_unreadable(start, start + size, regions())
        parts.append(part)
    return b"".join(parts)


def _why_unreadable(start: int, end: int, regions: Regions) -> Absent:
    if isinstance(regions, Absent):
        return Absent(Reason.UNREADABLE)
    found = [region for _, _, region in by_region(start, end, regions)]
    if None in found:
        return Absent(Reason.UNMAPPED)
    dumped = all(region.dumped for region in found if region)
    return Absent(Reason.UNREADABLE if dumped else Reason.NOT_DUMPED)
