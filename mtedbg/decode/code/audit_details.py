"""The details of a code block against the block itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mtedbg.decode.code.code_map import ranges_of
from mtedbg.decode.code.details import (
    LONGEST_NAME,
    call_frames_of,
    details_of,
    inlines_of,
    owner_of,
    patches_of,
)
from mtedbg.errors import LayoutError
from mtedbg.formats.dwarf.cursor import DamagedError
from mtedbg.layout import Runtime
from mtedbg.layout.memory import read_name
from mtedbg.model.absent import Absent, Reason, or_else
from mtedbg.model.code import Block, FrameKind, Inline, Patch
from mtedbg.model.finding import Finding, Flaw, Severity

_MOST = 1 << 12
"""Records of one block that are looked at."""


def audit_details(runtime: Runtime, block: Block) -> Iterator[Finding]:
    """Every finding about what few JITs tell of a block."""
    where = f"details of block {block.id}"
    try:
        details = details_of(runtime, block)
        if isinstance(details, Absent):
            if details.is_hole:
                yield _unreadable(details, where)
        else:
            if isinstance(owner := owner_of(runtime, block), Absent) and owner.is_hole:
                yield _unreadable(owner, f"owner of block {block.id}")
            yield from _inlines(runtime, block)
            yield from _patches(runtime, block)
        yield from _call_frames(runtime, block)
    except LayoutError as error:
        yield _unreadable(Absent(Reason.NOT_RECORDED, error.message), where)


def _unreadable(hole: Absent, where: str) -> Finding:
    known = hole.reason in (Reason.NOT_DUMPED, Reason.UNKNOWN, Reason.NOT_RECORDED)
    severity = Severity.WARNING if known else Severity.ERROR
    return Finding(severity, Flaw.UNREADABLE, where, str(hole))


def _inlines(runtime: Runtime, block: Block) -> Iterator[Finding]:
    """They have names, are inside of the block and in order, each inside of those around it."""
    array = inlines_of(runtime, block)
    rows = array if isinstance(array, Absent) else array.all()
    if isinstance(rows, Absent):
        if rows.is_hole:
            yield _unreadable(rows, f"inlined functions of block {block.id}")
        return
    around: list[Inline] = []
    last = 0
    for number, one in enumerate(islice(rows, _MOST)):
        where = f"inlined function {number} of block {block.id}"
        words = f"{one.begin:#x} to {one.end:#x}"
        if not one.begin < one.end <= block.length:
            detail = f"{words} of {block.length:#x} bytes"
            yield Finding(Severity.ERROR, Flaw.OUTSIDE, where, detail)
        if one.begin < last:
            detail = f"{words}, after one that begins at {last:#x}"
            yield Finding(Severity.ERROR, Flaw.UNSORTED, where, detail)
        while around and around[-1].end <= one.begin:
            around.pop()
        if around and one.end > around[-1].end:
            detail = f"{words}, the one around it ends at {around[-1].end:#x}"
            yield Finding(Severity.ERROR, Flaw.OVERLAP, where, detail)
        name = read_name(runtime.target, one.name, LONGEST_NAME)
        if isinstance(name, Absent):
            yield _unreadable(name, f"name of {where}")
        around.append(one)
        last = max(last, one.begin)


def _patches(runtime: Runtime, block: Block) -> Iterator[Finding]:
    """They are inside of the block, sorted, and disjoint."""
    array = patches_of(runtime, block)
    rows = array if isinstance(array, Absent) else array.all()
    if isinstance(rows, Absent):
        if rows.is_hole:
            yield _unreadable(rows, f"patch sites of block {block.id}")
        return
    last: Patch | None = None
    for number, one in enumerate(islice(rows, _MOST)):
        where = f"patch site {number} of block {block.id}"
        words = f"{one.size} bytes at {one.address:#x}"
        if not one.size or not block.base <= one.address <= block.end - one.size:
            yield Finding(Severity.ERROR, Flaw.OUTSIDE, where, words)
        if last is not None and one.address < last.address + last.size:
            end = last.address + last.size
            detail = f"{words}, the one before it ends at {end:#x}"
            yield Finding(Severity.ERROR, Flaw.OVERLAP, where, detail)
        last = one


def _call_frames(runtime: Runtime, block: Block) -> Iterator[Finding]:
    """Each range that is left by call frame information has some."""
    ranges = ranges_of(runtime, block)
    rows = () if isinstance(ranges, Absent) else or_else(ranges.all(), ())
    wanted = [one for one in islice(rows, _MOST) if one.frame == FrameKind.CALL_FRAMES]
    if not wanted:
        return
    where = f"call frame information of block {block.id}"
    section = call_frames_of(runtime, block)
    if isinstance(section, Absent):
        if section.is_hole:
            yield _unreadable(section, where)
        else:
            detail = f"{len(wanted)} of its ranges need it, and there is none"
            yield Finding(Severity.ERROR, Flaw.DANGLING, where, detail)
        return
    for one in wanted:
        try:
            lacks = section.search(block.base + one.begin) is None
        except DamagedError as error:
            yield Finding(Severity.ERROR, Flaw.UNREADABLE, where, error.message)
            return
        if lacks:
            detail = f"none of the range at {one.begin:#x}"
            yield Finding(Severity.ERROR, Flaw.DANGLING, where, detail)
