"""Allocation tags by LDG, run in the stopped program.

Some servers give no memory tags: QEMU's stub before 9.1, and stubs of machines. QEMU's stub since
then gives one a packet. There is another way, and it makes the program execute something, so it is
taken only where the user said `set mtedbg inferior-reads on`: a loop is written over the program's
start-up code, which has long run, and GDB calls it as a function that puts the tags of many
granules into a buffer below the stack. GDB puts the registers back, we the code and the buffer.
(Stepping in place of a call would tell a front end of every step.)

It is refused where that could not be undone: with several threads (another may run through the
changed code), on a signal (the call would swallow it), and before the start-up code has run.

Source: Arm ARM (DDI 0487) C6.2 "LDG": bits 59:56 of Xt become the allocation tag of the granule
at Xn; the others stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import gdb

from mtedbg.adapters.debugger.spans import NOT_TAGGED, UNMAPPED, Regions, by_region, joined
from mtedbg.adapters.gdb.console import captured
from mtedbg.adapters.gdb.threads import siginfo
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.pointer import GRANULE

_LOOP = bytes.fromhex("030060d9 63fc78d3 43140038 00400091 1f0001eb 63ffff54 c0035fd6")
"""f(x0 = start, x1 = end, x2 = buffer), a byte a granule, of which the low half counts.

    loop: ldg x3, [x0]; lsr x3, x3, #56; strb w3, [x2], #1
          add x0, x0, #16; cmp x0, x1; b.lo loop; ret
"""

PLACE = 16
"""Bytes from the entry point to our code: GDB lets its calls return to the entry point itself."""

BUFFER = 1 << 14
"""Bytes below the stack pointer that are borrowed: granules of one call."""

_BELOW = 1 << 10
"""Bytes below the stack pointer that are left alone: what GDB needs for the call."""

WORTH_A_CALL = 512
"""Granules from which on a call, ten or twenty milliseconds, is quicker than a packet for each."""

_TAG = 0xF
_ENTRY = re.compile(r"\bAT_ENTRY\b.*\b0x([0-9a-f]+)$", re.MULTILINE)
_CALL = "((void (*) (long, long, long)) {place:#x}) ({start:#x}, {end:#x}, {buffer:#x})"


def ldg_tags(inferior: gdb.Inferior, start: int, end: int, regions: Regions) -> list[TagPiece]:
    """The tags of [start, end) in readable mappings; what is not tagged reads as 0 there.

    Args:
        inferior: stopped.
        start: first address, a multiple of 16.
        end: one past the last address, a multiple of 16.
        regions: the mappings; where they are not known, nothing is run.
    """
    if isinstance(regions, Absent):
        return [TagPiece(start, end, regions)]
    spans = [(low, high, _hole(region)) for low, high, region in by_region(start, end, regions)]
    count = sum((high - low) // GRANULE for low, high, hole in spans if hole is None)
    refusal = refused(inferior) if count else None
    if refusal or not count:
        return joined(TagPiece(low, high, hole or refusal or UNMAPPED) for low, high, hole in spans)
    gdb.write(f"mtedbg: {count} tags by LDG, run in the program\n", gdb.STDERR)
    with _borrowed(inferior) as (place, buffer):
        return joined(
            piece
            for low, high, hole in spans
            for piece in (
                _run(inferior, place, buffer, low, high)
                if hole is None
                else [TagPiece(low, high, hole)]
            )
        )


def _hole(region: Region | None) -> Absent | None:
    """Why LDG is not to be run in `region`, if so: it would fault, or it is known to give 0."""
    if region is None:
        return UNMAPPED
    if region.tagged is False:
        return NOT_TAGGED
    return None if "r" in region.perms else Absent(Reason.UNREADABLE)


def refused(inferior: gdb.Inferior) -> Absent | None:
    """Why LDG cannot be run and undone now, if so."""
    if len(inferior.threads()) != 1:
        return Absent(Reason.UNKNOWN, "LDG is not run in a program with several threads")
    if siginfo(gdb.selected_thread().num) != NOT_APPLICABLE:
        return Absent(Reason.UNKNOWN, "LDG is not run at a signal, which would be lost")
    pc, entry = int(gdb.newest_frame().read_register("pc")), _entry_point()
    if entry is None or entry <= pc < entry + PLACE + len(_LOOP):
        return Absent(Reason.UNKNOWN, "there is no start-up code that LDG could replace")
    return None


def _entry_point() -> int | None:
    """Where the program's start-up code is."""
    try:
        match = _ENTRY.search(captured("info auxv"))
    except gdb.error:
        return None
    return int(match[1], 16) if match else None


@contextmanager
def _borrowed(inferior: gdb.Inferior) -> Iterator[tuple[int, int]]:
    """Where our code stands, and a buffer; what was there comes back."""
    place = (_entry_point() or 0) + PLACE
    stack = int(gdb.newest_frame().read_register("sp"))
    buffer = (stack - _BELOW - BUFFER) & ~(GRANULE - 1)
    code = bytes(inferior.read_memory(place, len(_LOOP)))
    below = bytes(inferior.read_memory(buffer, BUFFER))
    try:
        inferior.write_memory(place, _LOOP)
        yield place, buffer
    finally:
        inferior.write_memory(place, code)
        inferior.write_memory(buffer, below)


def _run(
    inferior: gdb.Inferior, place: int, buffer: int, start: int, end: int
) -> Iterator[TagPiece]:
    # Should a call fault, its frame goes again and GDB says so.
    with gdb.with_parameter("language", "c"), gdb.with_parameter("unwindonsignal", True):
        for low in range(start, end, BUFFER * GRANULE):
            high = min(low + BUFFER * GRANULE, end)
            call = _CALL.format(place=place, start=low, end=high, buffer=buffer)
            gdb.parse_and_eval(call)
            found = bytes(inferior.read_memory(buffer, (high - low) // GRANULE))
            yield TagPiece(low, high, bytes(byte & _TAG for byte in found))
