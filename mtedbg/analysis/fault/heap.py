"""What went wrong with heap memory, as far as its tags and chunks tell: hypotheses.

Where tags say who may use memory, as an allocator's do. In a process with a runtime they say whose
memory it is, and nothing of this applies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import region_at
from mtedbg.analysis.tags.runs import by_granule
from mtedbg.analysis.tags.span import tag_at
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.heap.glibc import Around, Chunk, chunks_around
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.cause import Hypothesis
from mtedbg.model.pointer import GRANULE, granule_of, logical_tag
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

REACH = 1 << 12
"""Bytes on both sides of an address that are searched for the pointer's tag."""

_MOST_GRANULES = 1 << 12
_HEAP = "[heap]"
_CHANCE = "one tag in 15 matches by chance"


@dataclass(frozen=True, slots=True)
class _Access:
    """An access to tagged memory: where, the pointer's tag, the memory's."""

    address: int
    pointer: int
    memory: int


@once
def heap_hypotheses(session: Session, pointer: int) -> tuple[Hypothesis, ...]:
    """What may have caused an access by `pointer` whose tag does not match; likeliest first.

    Args:
        session: where.
        pointer: of the access, tag kept.
    """
    runtimes = session.runtimes
    if not isinstance(runtimes, Absent) or runtimes.reason is Reason.DAMAGED:
        return ()
    address = session.strip(pointer)
    memory, region = tag_at(session, address), region_at(session, address)
    if isinstance(memory, Absent) or region is None or memory == logical_tag(pointer):
        return ()
    access = _Access(address, logical_tag(pointer), memory)
    if access.pointer == 0:
        return (_lost_tag(access),)
    around = _chunks(session, region, address)
    if isinstance(around, Around):
        return tuple(replace(one, evident=True) for one in _by_chunks(session, access, around))
    return tuple(_by_tags(session, access, region))


def _lost_tag(access: _Access) -> Hypothesis:
    tags = f"the pointer has tag 0, the memory {access.memory}"
    reason = f"{tags}: allocators return tagged pointers"
    return Hypothesis("a pointer that lost its tag", (reason,))


def _chunks(session: Session, region: Region, address: int) -> Around | Absent:
    """The chunks of the heap, or of a mapping that holds a single large one."""
    if region.name not in (_HEAP, ""):
        return NOT_APPLICABLE
    return chunks_around(session.target, region.start, region.end, address)


def _tags_of(session: Session, chunk: Chunk) -> set[int]:
    """The tags of a chunk's user data, up to a bound."""
    end = min(chunk.end, chunk.user + _MOST_GRANULES * GRANULE)
    pieces = session.target.read_tags(chunk.user, end) if chunk.user < end else ()
    return {tag for piece in pieces if not isinstance(piece.tags, Absent) for tag in piece.tags}


def _by_chunks(session: Session, access: _Access, around: Around) -> Iterator[Hypothesis]:
    here = around.here
    tags = _tags_of(session, here)
    in_header = access.address < here.user
    if not in_header and tags == {0}:
        yield _use_after_free(access, here, around)
        yield from _neighbours(session, access, around)
        return
    found = list(_neighbours(session, access, around))
    if in_header:
        reason = "the address is in a chunk's header, which no pointer to user data reaches "
        "within bounds"
        yield from (replace(one, reasons=(*one.reasons, reason)) for one in found)
        if not found:
            yield Hypothesis("out of bounds", (reason,))
        return
    yield from found
    yield Hypothesis(
        f"use after free: memory allocated again, now a chunk of {here.size} bytes",
        (
            f"the chunk there is in use with tag {access.memory}, the pointer belongs to another "
            "one",
        ),
    )


def _use_after_free(access: _Access, here: Chunk, around: Around) -> Hypothesis:
    into = access.address - here.user
    reasons = ["the whole chunk has tag 0, which glibc gives to freed memory"]
    if here.free:
        reasons.append("the next chunk says that it is free")
    elif here.last:
        reasons.append("it is the top of the heap, which is not allocated")
    elif around.after is not None:
        reasons.append("it is not in a bin of free chunks: a thread's cache may hold it")
    what = f"use after free: {_bytes(into)} into a freed chunk of {here.size} bytes"
    return Hypothesis(f"{what} at {here.user:#x}", tuple(reasons))


def _neighbours(session: Session, access: _Access, around: Around) -> Iterator[Hypothesis]:
    """Chunks next to the address whose tag is the pointer's."""
    tag = access.pointer
    if around.before is not None and tag in _tags_of(session, around.before):
        past = access.address - around.before.end
        how = f"{_bytes(past)} past the end of" if past else "right after"
        yield Hypothesis(
            f"out of bounds: {how} the chunk of {around.before.size} bytes"
            f" at {around.before.user:#x}",
            (f"the chunk before it has the pointer's tag {tag} ({_CHANCE})",),
        )
    if access.address < around.here.user and tag in _tags_of(session, around.here):
        short = around.here.user - access.address
        yield _in_front(access, around.here, short)
    elif around.after is not None and tag in _tags_of(session, around.after):
        yield _in_front(access, around.after, around.after.user - access.address)


def _in_front(access: _Access, chunk: Chunk, short: int) -> Hypothesis:
    return Hypothesis(
        f"out of bounds: {_bytes(short)} before the chunk of {chunk.size} bytes at {chunk.user:#x}",
        (f"that chunk has the pointer's tag {access.pointer} ({_CHANCE})",),
    )


def _by_tags(session: Session, access: _Access, region: Region) -> Iterator[Hypothesis]:
    """Where no chunks can be followed: by the tags around alone."""
    low = max(granule_of(access.address) - REACH, region.start)
    high = min(granule_of(access.address) + REACH, region.end)
    tags = by_granule(session.target.read_tags(low, high))
    same = [at for at, tag in tags.items() if tag == access.pointer]
    before = max((at for at in same if at < access.address), default=None)
    after = min((at for at in same if at > access.address), default=None)
    reason = f"the nearest memory with the pointer's tag {access.pointer} is there ({_CHANCE})"
    found = []
    if before is not None:
        past = access.address - before - GRANULE
        found.append(
            (
                past,
                Hypothesis(
                    f"out of bounds: {_bytes(past)} past the pointer's own memory", (reason,)
                ),
            )
        )
    if after is not None:
        short = after - access.address
        what = f"out of bounds: {_bytes(short)} before the pointer's own memory"
        found.append((short, Hypothesis(what, (reason,))))
    yield from (hypothesis for _, hypothesis in sorted(found, key=lambda pair: pair[0]))
    freed = access.memory == 0
    what = "use after free" if freed else "use after free: memory allocated again"
    why = "the memory has tag 0" if freed else f"it has tag {access.memory} now"
    yield Hypothesis(what, (f"{why}, and its owner is not known",))


def _bytes(count: int) -> str:
    return f"{count} byte{'s' if count != 1 else ''}"
