"""What the mappings of a dead process were: its files, and what can be known of the others."""

from __future__ import annotations

from mtedbg.adapters.core.segments import Segment, Segments
from mtedbg.adapters.core.space import AddressSpace
from mtedbg.formats import core_notes as notes
from mtedbg.formats import elf
from mtedbg.formats.minidump import UNKNOWN_FLAGS
from mtedbg.model.absent import Absent
from mtedbg.model.memory import Region

UNKNOWN_PERMS = "???"
_HEAP_GAP = 1 << 30
"""The kernel starts the heap at most this far after the program (arch_randomize_brk, arm64)."""


def regions(space: AddressSpace, tags: Segments, untagged: bool | Absent) -> list[Region]:
    """All mappings in order of address, cut where tag segments begin and end.

    Args:
        space: the mappings.
        tags: the tag segments.
        untagged: whether memory that they do not have is tagged: False, or why it is not known.
    """
    special = _special(space)
    found = []
    for segment in space.memory.ordered:
        mapping = space.mapping_at(segment.start)
        name = mapping.name if mapping else special.get(segment.start, "")
        dumped = segment.size >= segment.end - segment.start
        for start, end, tagged in tags.pieces(segment.start, segment.end):
            perms = _perms(segment.flags)
            found.append(Region(start, end, perms, name, tagged is not None or untagged, dumped))
    for mapping in space.files:
        for start, end, segment_there in space.memory.pieces(mapping.start, mapping.end):
            if segment_there is None:  # gcore leaves out what it does not dump
                found.append(Region(start, end, UNKNOWN_PERMS, mapping.name, untagged, False))
    return sorted(found, key=lambda region: region.start)


def _perms(flags: int) -> str:
    if flags & UNKNOWN_FLAGS:
        return UNKNOWN_PERMS
    bits = ((elf.PF_R, "r"), (elf.PF_W, "w"), (elf.PF_X, "x"))
    return "".join(letter if flags & bit else "-" for bit, letter in bits)


def _special(space: AddressSpace) -> dict[int, str]:
    """Pseudo names of anonymous mappings by their start."""
    named: dict[int, str] = {}
    heap = _heap(space)
    if heap is not None:
        named[heap.start] = "[heap]"
    for kind, name in ((notes.AT_SYSINFO_EHDR, "[vdso]"), (notes.AT_RANDOM, "[stack]")):
        address = space.auxv.get(kind)
        segment = space.memory.at(address) if address is not None else None
        if segment is not None:
            named[segment.start] = name
    return named


def _heap(space: AddressSpace) -> Segment | None:
    """The first writable anonymous mapping after the program's own, if near enough."""
    program = space.executable()
    if program is None:
        return None
    last = max((m.end for m in space.files if m.name == program.name), default=program.end)
    for segment in space.memory.ordered:
        if segment.start >= last:
            near = last < segment.start <= last + _HEAP_GAP
            writable = segment.flags == elf.PF_R | elf.PF_W
            return segment if near and writable and not space.mapping_at(segment.start) else None
    return None
