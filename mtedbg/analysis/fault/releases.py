"""Faults in the functions that give memory back: a double free, or a free of what is none.

They read what they are given before they believe it: glibc a byte of the chunk and its header
(malloc/malloc.c, __libc_free), Scudo the header 16 bytes before it (combined.h, deallocate), both
headers by pointers with tag 0.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import symbolize
from mtedbg.analysis.fault.death import death
from mtedbg.analysis.fault.ranking import place_words
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.model.absent import Absent, present
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.memory_object import ObjectState
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.analysis.fault.bad_access import BadAccess
    from mtedbg.decode.heap.heaps import HeapAround
    from mtedbg.model.process import Symbol
    from mtedbg.session import Session

_HEADER = 16
_INNERMOST = 6
"""Frames in which a releasing function is looked for, all but it in the allocator itself."""
_RELEASES = re.compile(
    r"(__libc_|__GI_+(libc_)?|h_|scudo_?)?(c?free|realloc|reallocarray)\b"
    r"|operator delete(\[\])?|_?scudo::Allocator<.*>::(deallocate|reallocate)"
    r"|scudo.*(deallocate|reallocate)|_int_free|__rust_(de|re)alloc"
)
_LIBC = re.compile(r"/(libc[.-]|libc\.musl|ld-musl)[^/]*$")
_OWN_LIBRARY = re.compile(r"/[^/]*(scudo|hardened_malloc)[^/]*$")
_ALLOCATORS = re.compile(
    r"/(libc|libc_malloc|ld-linux|.*scudo|.*hardened_malloc|libstdc\+\+)[^/]*$"
)


@once
def releasing(session: Session, pc: int) -> str:
    """The function that gives memory back, where `pc` is in one or in what it calls.

    Returns:
        Its name, or that of the allocator's library where that tells no names; else empty.
    """
    if not pc:
        return ""
    calls = host_calls(session, death(session).thread)
    frames = () if isinstance(calls, Absent) else calls.frames
    first = next((number for number, frame in enumerate(frames) if frame.pc == pc), None)
    if first is None:
        name = _name(symbolize(session, pc).symbol)
        return name if _RELEASES.match(name) else ""
    for frame in frames[first : first + _INNERMOST]:
        name = _name(frame.place.symbol)
        if _RELEASES.match(name):
            return name
        if _OWN_LIBRARY.search(frame.file) and not name:
            return frame.file.rpartition("/")[2]
        if not _ALLOCATORS.search(frame.file) and "scudo::" not in name:
            return ""
    return ""


def _name(symbol: Symbol | Absent) -> str:
    return symbol.name if present(symbol) else ""


def in_unnamed_libc(session: Session, pc: int) -> bool:
    """Whether `pc` is in a C library that tells no names: in free, or in strlen, or in any."""
    place = symbolize(session, pc)
    region = place.region
    there = present(region) and bool(_LIBC.search(region.name))
    return there and not present(place.symbol)


def reads_a_header(access: BadAccess, around: HeapAround | None) -> bool:
    """Whether an access looks like Scudo's, of the header of what it is given: without a name."""
    known = around is not None and around.allocator == "Scudo" and access.base is not None
    return known and not access.tag and access.base == access.address + _HEADER


def release_of(
    access: BadAccess, function: str, around: HeapAround | None
) -> tuple[Hypothesis, ...]:
    """What was wrong with what was given back; nothing where the heap does not tell.

    Args:
        access: what faulted.
        function: that gives memory back.
        around: the heap there, where it is known.
    """
    if around is None:
        return (
            Hypothesis(
                "invalid free or double free",
                (f"it is in {function}, and the memory is no known allocator's",),
                relation=Relation.INVALID_FREE,
            ),
        )
    if access.tag:
        return _second(access, function, around)
    return _no_object(access, function, around)


def _second(access: BadAccess, function: str, around: HeapAround) -> tuple[Hypothesis, ...]:
    one = around.here
    if one is None or (access.address != one.start and one.state is not ObjectState.SPARE):
        return ()
    if one.state is ObjectState.LIVE:
        return (
            Hypothesis(
                f"free of memory that was freed and given out again, now"
                f" {place_words(one, access.address - one.start)}",
                (f"{function} reads what it is given, whose tag is not the pointer's",),
                evident=True,
                relation=Relation.DOUBLE_FREE,
                strength=Strength.LIKELY,
                object=one,
            ),
        )
    if one.state is ObjectState.SPARE:
        what = "double free: of memory that fell back to the unused rest of the heap"
        strength, known = Strength.LIKELY, None
    else:
        what = f"double free of {place_words(one, 0).removeprefix('at the beginning of ')}"
        strength, known = Strength.READ, one
    reason = f"{function} reads what it is given, and that is free already"
    return (
        Hypothesis(
            what,
            (reason,),
            evident=True,
            relation=Relation.DOUBLE_FREE,
            strength=strength,
            object=known,
        ),
    )


def _no_object(access: BadAccess, function: str, around: HeapAround) -> tuple[Hypothesis, ...]:
    """A header is read where none is: by a pointer without tag, in memory that has one."""
    one = around.here
    if one is None or one.state is not ObjectState.LIVE:
        return ()
    given = access.address + _HEADER - one.start
    if around.allocator == "glibc" and access.base is not None:
        given = access.base + _HEADER - one.start
    inside = 0 < given < one.size
    what = place_words(one, given) if inside else f"near {one.start:#x}, where no object begins"
    return (
        Hypothesis(
            f"invalid free: {what}",
            (f"{function} reads a header there, and the memory is an object's, tag and all",),
            evident=True,
            relation=Relation.INVALID_FREE,
            strength=Strength.LIKELY,
            object=one,
            offset=given,
        ),
    )
