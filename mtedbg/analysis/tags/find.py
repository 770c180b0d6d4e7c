"""Where an allocation tag is used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.regions import LIVE_CHUNK, tagged_regions
from mtedbg.analysis.tags.runs import ADDRESS_SPACE, CHUNK, Run, joined, pieces, read
from mtedbg.dataclass import dataclass
from mtedbg.errors import UsageError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import ZERO_TAGS, Region, TagPiece
from mtedbg.model.pointer import GRANULE, granule_span

if TYPE_CHECKING:
    from mtedbg.session import Session

MOST = 1 << 16
"""Runs that are found at most."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a tag is used.

    Attributes:
        runs: of the tag, in order of address.
        more: the first one that was left out; None where there is none.
        stopped_at: the address that was reached when time was up; None where all was looked at.
        tagged: bytes of memory that were looked at.
        missing: bytes of memory whose tags are not there.
    """

    runs: tuple[Run, ...]
    more: Run | None
    stopped_at: int | None
    tagged: int
    missing: int

    @property
    def ended(self) -> bool:
        """Whether these are all there are."""
        return self.more is None and self.stopped_at is None


@dataclass
class _Seen:
    """What was gone through: bytes with tags, and bytes whose tags are not there."""

    tagged: int = 0
    missing: int = 0
    stopped_at: int | None = None


def find(
    session: Session,
    tag: int,
    pointer: int | None = None,
    length: int | None = None,
    *,
    most: int,
    everything: bool = False,
) -> Found:
    """The runs of memory with allocation tag `tag`, in order of address.

    Args:
        session: where.
        tag: 0 to 15.
        pointer: where to begin; None for all tagged mappings.
        length: bytes; None for the rest of the mapping that holds `pointer`.
        most: runs at most, from 1 to `MOST`.
        everything: whether to look at a live process for longer than the session's timeout.

    Raises:
        NotOnThisTargetError: mappings are not known, and no range was given.
        UsageError: `pointer` is in no mapping, or the range is too long to be read blindly.
    """
    seen = _Seen()
    unlimited = everything or session.info.is_dead
    deadline = inf if unlimited else monotonic() + session.timeout
    found = _runs(_within(_pieces(session, pointer, length), seen, deadline), tag)
    runs = tuple(islice(found, max(1, min(most, MOST))))
    more = next(found, None)
    return Found(runs, more, seen.stopped_at, seen.tagged, seen.missing)


def _pieces(session: Session, pointer: int | None, length: int | None) -> Iterator[TagPiece]:
    """The tags to look at, in order."""
    if pointer is None:
        chunk = CHUNK if session.info.is_dead else LIVE_CHUNK
        for region in tagged_regions(session):
            yield from read(session, region.start, region.end, chunk)
        return
    address = session.strip(pointer)
    if length is None:
        region = _region_at(session, address)
        start, end = granule_span(address, region.end - address)
    else:
        start, end = granule_span(address, length)
    yield from pieces(session, start, min(end, ADDRESS_SPACE))


def _region_at(session: Session, address: int) -> Region:
    regions = session.target.regions()
    if isinstance(regions, Absent):
        raise UsageError(f"mappings are not known: {regions}", "give a length after the address")
    for region in regions:
        if region.start <= address < region.end:
            return region
    raise UsageError(f"{address:#x} is in no mapping", "`mte-regions` lists what is tagged")


def _within(found: Iterable[TagPiece], seen: _Seen, deadline: float) -> Iterator[TagPiece]:
    """The pieces until time is up; counts what goes by."""
    for piece in found:
        size = piece.end - piece.start
        if not isinstance(piece.tags, Absent):
            seen.tagged += size
        elif piece.tags.reason not in (Reason.NOT_TAGGED, Reason.UNMAPPED):
            seen.missing += size
        yield piece
        if monotonic() > deadline:
            seen.stopped_at = piece.end
            return


def _runs(found: Iterable[TagPiece], tag: int) -> Iterator[Run]:
    """Every run of `tag`, across the edges of pieces."""
    pattern = re.compile(b"\\x%02x+" % tag)
    return joined(run for piece in found for run in _runs_in(piece, tag, pattern))


def _runs_in(piece: TagPiece, tag: int, pattern: re.Pattern[bytes]) -> Iterator[Run]:
    start, tags = piece.start, piece.tags
    if isinstance(tags, Absent):
        return
    if tags is ZERO_TAGS:
        if tag == 0:
            yield Run(start, piece.end, tag)
        return
    for match in pattern.finditer(tags):
        yield Run(start + match.start() * GRANULE, start + match.end() * GRANULE, tag)
