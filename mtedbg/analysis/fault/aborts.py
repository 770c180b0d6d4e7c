"""What a message means that an allocator ended the process with.

Sources: glibc 2.36, malloc/malloc.c (malloc_printerr); LLVM,
compiler-rt/lib/scudo/standalone/report.cpp; GrapheneOS/hardened_malloc, h_malloc.c (fatal_error).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.heap_memory import heap_at
from mtedbg.analysis.fault.ranking import place_words
from mtedbg.dataclass import replace
from mtedbg.decode.heap.abort_message import abort_message
from mtedbg.model.absent import Absent
from mtedbg.model.cause import Hypothesis, Relation, Strength
from mtedbg.model.memory_object import MemoryObject, ObjectState
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_ADDRESS = re.compile(r"\baddress (0x[0-9a-f]{1,16})\b")
_READ, _LIKELY = Strength.READ, Strength.LIKELY
_DOUBLE, _INVALID = Relation.DOUBLE_FREE, Relation.INVALID_FREE
_DAMAGED = "the heap's records were overwritten: a write out of bounds or after free, earlier"
_NOT_GIVEN = "invalid free: of what malloc did not return"

# What a message says, in order: the first that matches. Some only know that either was the case.
_MEANINGS: tuple[tuple[str, str, Relation, Strength], ...] = (
    (r"free\(\): double free detected in tcache", "double free", _DOUBLE, _READ),
    (r"double free or corruption \((fasttop|top)\)", "double free", _DOUBLE, _LIKELY),
    (
        r"double free or corruption",
        "double free, or a damaged header of the heap's",
        _DOUBLE,
        Strength.POSSIBLE,
    ),
    (
        r"(free|munmap_chunk|realloc|mremap_chunk)\(\): invalid pointer",
        f"{_NOT_GIVEN}, or whose header was overwritten",
        _INVALID,
        _LIKELY,
    ),
    (
        r"free\(\): invalid size",
        f"{_NOT_GIVEN}, or whose header was overwritten",
        _INVALID,
        _LIKELY,
    ),
    (r"Scudo ERROR: invalid chunk state when (dea|rea)llocating", "double free", _DOUBLE, _READ),
    (r"Scudo ERROR: misaligned pointer when (dea|rea)llocating", _NOT_GIVEN, _INVALID, _READ),
    (
        r"Scudo ERROR: corrupted chunk header",
        f"{_NOT_GIVEN}, or whose header was overwritten",
        _INVALID,
        _LIKELY,
    ),
    (
        r"Scudo ERROR: allocation type mismatch",
        "invalid free: by another function than fits how the memory was got",
        _INVALID,
        _READ,
    ),
    (
        r"Scudo ERROR: invalid sized delete",
        "invalid free: with another size than the memory has",
        _INVALID,
        _READ,
    ),
    (r"Scudo ERROR: race on chunk header", "double free, by two threads at once", _DOUBLE, _LIKELY),
    (r"fatal allocator error: double free", "double free", _DOUBLE, _READ),
    (r"fatal allocator error: invalid (unaligned )?free", _NOT_GIVEN, _INVALID, _READ),
    (r"fatal allocator error: invalid realloc", _NOT_GIVEN, _INVALID, _READ),
    (
        r"fatal allocator error: detected write after free",
        "a write after free, found when the memory was given out again",
        Relation.USE_AFTER_FREE,
        _READ,
    ),
    (
        r"fatal allocator error: canary corrupted",
        "out of bounds: a write past the end of what is freed now",
        Relation.OVERFLOW,
        _READ,
    ),
    (
        r"fatal allocator error: sized deallocation mismatch",
        "invalid free: with another size than the memory has",
        _INVALID,
        _READ,
    ),
    (
        r"\*\*\* stack smashing detected",
        "out of bounds: a write past the end of a variable on the stack",
        Relation.OVERFLOW,
        _READ,
    ),
    (
        r"\*\*\* buffer overflow detected",
        "out of bounds: a function of the C library was told to write past the end of its target",
        Relation.OVERFLOW,
        _READ,
    ),
    (
        r"corrupted (size vs\. prev_size|double-linked list)|malloc\(\): |free\(\): (invalid next"
        r"|corrupted)|malloc_consolidate\(\)|realloc\(\): invalid (old|next) size|sysmalloc",
        _DAMAGED,
        Relation.OVERFLOW,
        Strength.POSSIBLE,
    ),
)


@once
def abort_hypotheses(session: Session, thread: Thread) -> tuple[Hypothesis, ...]:
    """What made an allocator end the process; nothing where it was something else.

    Args:
        session: where.
        thread: that ended it.
    """
    registers = session.target.registers(thread)
    sp = 0 if isinstance(registers, Absent) else session.strip(registers.get("sp", 0))
    message = abort_message(session.target, sp)
    if isinstance(message, Absent):
        return ()
    for pattern, what, relation, strength in _MEANINGS:
        if re.match(pattern, message):
            evident = strength in (Strength.READ, Strength.LIKELY)
            found = Hypothesis(
                what, (f"it said: {message}",), evident, relation=relation, strength=strength
            )
            return (_with_object(session, found, message),)
    return ()


def _with_object(session: Session, found: Hypothesis, message: str) -> Hypothesis:
    """The same, with the object that the message has the address of."""
    said = _ADDRESS.search(message)
    if said is None:
        return found
    address = session.strip(int(said.group(1), 16))
    around = heap_at(session, address)
    one = None if isinstance(around, Absent) else around.here or around.after
    if one is None or not one.start <= address < max(one.end, one.start + 1):
        return found
    return replace(found, what=_named(found, one, address), object=one, offset=address - one.start)


def _named(found: Hypothesis, one: MemoryObject, address: int) -> str:
    offset = address - one.start
    if found.relation is Relation.DOUBLE_FREE and one.state is not ObjectState.LIVE and not offset:
        return f"double free of {place_words(one, 0).removeprefix('at the beginning of ')}"
    if found.relation is Relation.INVALID_FREE and offset:
        return f"invalid free: {place_words(one, offset)}"
    return found.what
