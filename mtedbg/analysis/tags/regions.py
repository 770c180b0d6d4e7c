"""The tagged mappings and how their tags are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.cell_map import CellMapBuilder
from mtedbg.analysis.tags.owner import owners
from mtedbg.analysis.tags.runs import CHUNK, read
from mtedbg.dataclass import dataclass
from mtedbg.errors import NotOnThisTargetError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.cell_map import CellMap
from mtedbg.model.memory import ZERO_TAGS, Region, TagPiece
from mtedbg.model.pointer import GRANULE

if TYPE_CHECKING:
    from mtedbg.session import Session

LIVE_CHUNK = 1 << 16
"""Bytes of memory of a live process whose tags are read at once: the clock is read between."""

OUT_OF_TIME = Absent(Reason.UNKNOWN, "not read for lack of time")
"""The reason of what a slow server was not asked for."""


@dataclass(frozen=True, slots=True)
class TaggedMapping:
    """A mapping that is tagged, or may be.

    Attributes:
        region: the mapping.
        dumped: whether its bytes are in the core; does not apply to a live process.
        tags: how many granules have each tag that is used.
        holes: how many granules have no tag to be read, by the reason.
    """

    region: Region
    dumped: bool | Absent
    tags: Counter[int]
    holes: Counter[Absent]


@dataclass(frozen=True, slots=True)
class TaggedMappings:
    """All of them, in order of address.

    Attributes:
        mappings: each with its granules.
        closed: how many more cannot be accessed, so that nothing tells whether they are tagged.
        cell_map: who owns what; None where no map was asked for.
    """

    mappings: tuple[TaggedMapping, ...]
    closed: int
    cell_map: CellMap | None

    @property
    def tags(self) -> Counter[int]:
        """How many granules of all mappings have each tag."""
        return sum((one.tags for one in self.mappings), Counter())

    @property
    def holes(self) -> Counter[Absent]:
        """How many granules of all mappings have no tag to be read, by the reason."""
        return sum((one.holes for one in self.mappings), Counter())


def _read(session: Session, region: Region, out_of_time: Callable[[], bool]) -> Iterator[TagPiece]:
    """The tags of a mapping, each read once; what there is no time for as one hole."""
    chunk = CHUNK if session.info.is_dead else LIVE_CHUNK
    for piece in read(session, region.start, region.end, chunk):
        if out_of_time():
            yield TagPiece(piece.start, region.end, OUT_OF_TIME)
            return
        yield piece


def _count(session: Session, region: Region, pieces: Iterable[TagPiece]) -> TaggedMapping:
    tags: Counter[int] = Counter()
    holes: Counter[Absent] = Counter()
    for piece in pieces:
        if isinstance(piece.tags, Absent):
            holes[piece.tags] += piece.granules
            continue
        if piece.tags is ZERO_TAGS:
            tags[0] += piece.granules
            continue
        for tag in range(16):
            if number := piece.tags.count(tag):
                tags[tag] += number
    dumped = region.dumped if session.info.is_dead else NOT_APPLICABLE
    return TaggedMapping(region, dumped, tags, holes)


def _shown(pieces: Iterable[TagPiece], region: Region, cells: CellMapBuilder) -> Iterator[TagPiece]:
    """The same pieces, which also go into a map as they pass."""
    for piece in pieces:
        cells.add(region, piece)
        yield piece


def _found(session: Session, closed: list[Region]) -> Iterator[Region]:
    """The mappings that are tagged, or that may be where that is not known.

    Those that cannot be accessed go to `closed` where it is not known: guard pages and reserved
    address space, as a rule.
    """
    regions = session.target.regions()
    if isinstance(regions, Absent):
        raise NotOnThisTargetError(
            f"mappings are not known: {regions}", "ask for an address instead: `mte-tags ADDR`"
        )
    for region in regions:
        if not isinstance(region.tagged, Absent):
            if region.tagged:
                yield region
            continue
        if "r" not in region.perms:
            closed.append(region)
            continue
        first = session.target.read_tags(region.start, region.start + GRANULE)[0].tags
        if not isinstance(first, Absent) or first.reason is not Reason.NOT_TAGGED:
            yield region


def tagged_regions(session: Session) -> Iterator[Region]:
    """The mappings that are tagged, or that may be where that is not known.

    Raises:
        NotOnThisTargetError: mappings are not known.
    """
    return _found(session, [])


def tagged_mappings(
    session: Session, *, everything: bool = False, figure: bool = False
) -> TaggedMappings:
    """The tagged mappings, each read once.

    Args:
        session: where.
        everything: whether to count on where the session's timeout has passed.
        figure: whether to make a map of owners as well, from the same tags.

    Raises:
        NotOnThisTargetError: mappings are not known.
    """
    unlimited = everything or session.info.is_dead
    deadline = inf if unlimited else monotonic() + session.timeout
    closed: list[Region] = []
    found = list(_found(session, closed))
    cells = CellMapBuilder(found) if figure else None
    mappings = []
    for region in found:
        pieces = _read(session, region, lambda: monotonic() > deadline)
        seen = pieces if cells is None else _shown(pieces, region, cells)
        mappings.append(_count(session, region, seen))
    drawn = cells.build(owners(session)) if cells else None
    return TaggedMappings(tuple(mappings), len(closed), drawn)
