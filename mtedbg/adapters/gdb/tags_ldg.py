"""Allocation tags by LDG, run in the stopped program: the last resort.

Some servers give no memory tags: QEMU's stub before 9.1, and stubs of machines. There is one way
left, and it makes the program execute something, so it is taken only where the user said
`set mtedbg inferior-reads on`: two instructions are written over the program's start-up code,
which has long run, and GDB calls them as a function, once a granule. GDB puts the registers back,
we the code. (Stepping in place of a call would tell a front end of every step.)

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

from mtedbg.adapters.gdb.console import captured
from mtedbg.adapters.gdb.threads import siginfo
from mtedbg.adapters.spans import NOT_TAGGED, UNMAPPED, Regions, by_region, joined
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.pointer import GRANULE, logical_tag

LDG_AND_RETURN = bytes.fromhex("000060d9 c0035fd6")
"""`ldg x0, [x0]` and `ret`."""

PLACE = 16
"""Bytes from the entry point to our code: GDB lets its calls return to the entry point itself."""

MOST_GRANULES = 1024
"""Calls that one read may take: ten milliseconds each, or twenty."""

_TOO_MANY = Absent(Reason.UNKNOWN, f"LDG is run for {MOST_GRANULES} granules at most")
_ENTRY = re.compile(r"\bAT_ENTRY\b.*\b0x([0-9a-f]+)$", re.MULTILINE)
_CALL = "((unsigned long (*) (unsigned long)) {place:#x}) ({address:#x}ul)"


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
    entry = _entry_point() if count else None
    refusal = _TOO_MANY if count > MOST_GRANULES else _refusal(inferior, entry) if count else None
    if entry is None or refusal:
        return joined(TagPiece(low, high, hole or refusal or UNMAPPED) for low, high, hole in spans)
    gdb.write(f"mtedbg: running LDG {count} times in the program\n", gdb.STDERR)
    with _borrowed_code(inferior, entry + PLACE) as place:
        return joined(
            TagPiece(low, high, _run(place, low, high) if hole is None else hole)
            for low, high, hole in spans
        )


def _hole(region: Region | None) -> Absent | None:
    """Why LDG is not to be run in `region`, if so: it would fault, or it is known to give 0."""
    if region is None:
        return UNMAPPED
    if region.tagged is False:
        return NOT_TAGGED
    return None if "r" in region.perms else Absent(Reason.UNREADABLE)


def _refusal(inferior: gdb.Inferior, entry: int | None) -> Absent | None:
    """Why LDG cannot be run and undone now, if so."""
    if len(inferior.threads()) != 1:
        return Absent(Reason.UNKNOWN, "LDG is not run in a program with several threads")
    if siginfo(gdb.selected_thread().num) != NOT_APPLICABLE:
        return Absent(Reason.UNKNOWN, "LDG is not run on a signal, which it would swallow")
    pc = int(gdb.newest_frame().read_register("pc"))
    if entry is None or entry <= pc < entry + PLACE + len(LDG_AND_RETURN):
        return Absent(Reason.UNKNOWN, "there is no start-up code to run LDG in place of")
    return None


def _entry_point() -> int | None:
    """Where the program's start-up code is."""
    try:
        match = _ENTRY.search(captured("info auxv"))
    except gdb.error:
        return None
    return int(match[1], 16) if match else None


@contextmanager
def _borrowed_code(inferior: gdb.Inferior, place: int) -> Iterator[int]:
    """Our instructions at `place`; what was there comes back."""
    code = bytes(inferior.read_memory(place, len(LDG_AND_RETURN)))
    try:
        inferior.write_memory(place, LDG_AND_RETURN)
        yield place
    finally:
        inferior.write_memory(place, code)


def _run(place: int, start: int, end: int) -> bytes:
    # Should a call fault, its frame goes again and GDB says so.
    with gdb.with_parameter("language", "c"), gdb.with_parameter("unwindonsignal", True):
        return bytes(
            logical_tag(int(gdb.parse_and_eval(_CALL.format(place=place, address=address))))
            for address in range(start, end, GRANULE)
        )
