"""Allocation tags of long spans of memory: read in bounded pieces, joined to runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from mtedbg.errors import UsageError
from mtedbg.model.absent import Absent
from mtedbg.model.memory import ZERO_TAGS, Region, TagPiece
from mtedbg.model.pointer import GRANULE

if TYPE_CHECKING:
    from mtedbg.session import Session

CHUNK = len(ZERO_TAGS) * GRANULE
"""Bytes of address space whose tags are read at once: a mebibyte of tags."""

LONGEST_LEAP = 1 << 34
"""Bytes of address space that are asked for at once after a hole in a core: a file has no more tags
than bytes."""

UNGUIDED_LIMIT = 1 << 30
"""Bytes that are read where mappings are not known, so that holes cannot be leapt over."""

ADDRESS_SPACE = 1 << 64

# One alternative a tag: twenty times as fast on long runs as groupby, and no slower on short ones.
_RUN = re.compile(b"|".join(b"\\x%02x+" % tag for tag in range(16)))


class Run(NamedTuple):
    """Neighbouring granules with one tag, or one reason to have none.

    A tuple: there may be one for each granule, and a frozen dataclass takes thrice as long to make.
    """

    start: int
    end: int
    tag: int | Absent


def _tagged(session: Session, start: int, end: int) -> list[Region] | Absent:
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return regions
    return [
        region
        for region in regions
        if region.tagged is not False and region.start < end and start < region.end
    ]


def read(session: Session, start: int, end: int, chunk: int = CHUNK) -> Iterator[TagPiece]:
    """The tags of one mapping, read as the caller goes on.

    Args:
        session: where.
        start: first address, a multiple of 16.
        end: one past the last address, a multiple of 16.
        chunk: bytes of address space whose tags are read at once.
    """
    # A core may claim a tagged mapping of 2**47 bytes and hold no tag of it: a hole in a file
    # costs nothing, so that larger and larger ones are leapt over.
    most = LONGEST_LEAP if session.info.is_dead else chunk
    step = chunk
    while start < end:
        found = session.target.read_tags(start, min(start + step, end))
        yield from found
        start += step
        hole = all(isinstance(piece.tags, Absent) for piece in found)
        step = min(step * 2, most) if hole else chunk


def _spans(session: Session, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each span to ask for, and whether there may be tags in it."""
    regions = _tagged(session, start, end)
    if isinstance(regions, Absent):
        if end - start > UNGUIDED_LIMIT:
            raise UsageError(
                f"{end - start:#x} bytes are too many where mappings are not known",
                f"ask for at most {UNGUIDED_LIMIT:#x} bytes at a time",
            )
        yield start, end, True
        return
    at = start
    for region in regions:
        low, high = max(region.start, at), min(region.end, end)
        if low >= high:
            continue
        if at < low:
            yield at, low, False
        yield low, high, True
        at = high
    if at < end:
        yield at, end, False


def pieces(session: Session, start: int, end: int) -> Iterator[TagPiece]:
    """The tags of [start, end), both multiples of 16, read as the caller goes on.

    Raises:
        UsageError: the span is too long, and no mappings are known to leap over holes by.
    """
    for low, high, tagged in _spans(session, start, min(end, ADDRESS_SPACE)):
        yield from read(session, low, high) if tagged else session.target.read_tags(low, high)


def _runs_of(piece: TagPiece) -> Iterator[Run]:
    if isinstance(piece.tags, Absent):
        yield Run(piece.start, piece.end, piece.tags)
        return
    start, tags = piece.start, piece.tags
    if tags is ZERO_TAGS:
        yield Run(start, piece.end, 0)
        return
    for match in _RUN.finditer(tags):
        low, high = match.span()
        yield Run(start + low * GRANULE, start + high * GRANULE, tags[low])


def runs(session: Session, start: int, end: int) -> Iterator[Run]:
    """The tags of [start, end) as the fewest runs.

    Raises:
        UsageError: as for `pieces`.
    """
    yield from joined(run for piece in pieces(session, start, end) for run in _runs_of(piece))


def joined(runs: Iterable[Run]) -> Iterator[Run]:
    """The same runs, in order; those with one tag that touch each other made one."""
    last: Run | None = None
    for run in runs:
        if last is not None and (last.end, last.tag) == (run.start, run.tag):
            last = Run(last.start, run.end, run.tag)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


def by_granule(pieces: Iterable[TagPiece]) -> dict[int, int | Absent]:
    """Each granule's tag by its address, of a few pieces."""
    tags: dict[int, int | Absent] = {}
    for piece in pieces:
        for number in range(piece.granules):
            tag = piece.tags if isinstance(piece.tags, Absent) else piece.tags[number]
            tags[piece.start + number * GRANULE] = tag
    return tags
