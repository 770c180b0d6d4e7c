"""The tagged mappings and how their tags are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.cell_map import CellMapBuilder
from mtedbg.analysis.tags.owner import owners
from mtedbg.analysis.tags.runs import CHUNK, read
from mtedbg.errors import NotOnThisTargetError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.cell_map import CellMap
from mtedbg.model.memory import Region, TagPiece, size_text
from mtedbg.model.pointer import GRANULE
from mtedbg.report import Column, Report, Row, Scalar, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

LIVE_CHUNK = 1 << 16
"""Bytes of memory of a live process whose tags are read at once: the clock is read between."""

_HOLE = "absent"
_NOT_READ = Absent(Reason.UNKNOWN, "not read for lack of time: --all reads all")


@dataclass
class _Count:
    """Granules by tag, and those without by the reason."""

    tags: Counter[int] = field(default_factory=Counter)
    holes: Counter[Absent] = field(default_factory=Counter)

    def as_value(self) -> Mapping[str, Scalar] | Absent:
        """As it stands in a row: the first hole's reason where there is nothing else."""
        reasons = list(self.holes)
        if not self.tags:
            return reasons[0]
        counts: dict[str, Scalar] = {str(tag): self.tags[tag] for tag in sorted(self.tags)}
        if reasons:
            number = self.holes.total()
            detail = f", {reasons[0].detail}" if reasons[0].detail else ""
            counts[_HOLE] = Absent(reasons[0].reason, f"{number} granules{detail}")
        return counts


def _read(session: Session, region: Region, out_of_time: Callable[[], bool]) -> Iterator[TagPiece]:
    """The tags of a mapping, each read once; what there is no time for as one hole."""
    chunk = CHUNK if session.info.kind == "core" else LIVE_CHUNK
    for piece in read(session, region.start, region.end, chunk):
        if out_of_time():
            yield TagPiece(piece.start, region.end, _NOT_READ)
            return
        yield piece


def _count(pieces: Iterable[TagPiece]) -> _Count:
    count = _Count()
    for piece in pieces:
        if isinstance(piece.tags, Absent):
            count.holes[piece.tags] += piece.granules
            continue
        for tag in range(16):
            if number := piece.tags.count(tag):
                count.tags[tag] += number
    return count


def _shown(pieces: Iterable[TagPiece], region: Region, cells: CellMapBuilder) -> Iterator[TagPiece]:
    """The same pieces, which also go into a map as they pass."""
    for piece in pieces:
        cells.add(region, piece)
        yield piece


def _found(session: Session, closed: list[Region]) -> Iterator[Region]:
    """The mappings that are tagged, or that may be where that is not known.

    Those that nobody can access go to `closed` where it is not known: guard pages and reserved
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


def _headline(mappings: int, total: _Count) -> str:
    if not mappings:
        return "no tagged mappings"
    read_in_all = total.tags.total()
    size = size_text((read_in_all + total.holes.total()) * GRANULE)
    what = f"{mappings} tagged mapping{'s' if mappings > 1 else ''}, {size}"
    if not read_in_all:
        return what
    marked = read_in_all - total.tags[0]
    return f"{what}; {marked} of {read_in_all} granules read have a tag other than 0"


def tagged_regions(session: Session) -> Iterator[Region]:
    """The mappings that are tagged, or that may be where that is not known.

    Raises:
        NotOnThisTargetError: mappings are not known.
    """
    return _found(session, [])


def regions(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    *,
    everything: bool = False,
    figure: bool = False,
) -> Report:
    """The tagged mappings, each read once.

    Args:
        session: where.
        command: name of the command that asks.
        columns: its columns.
        everything: whether to count on where the session has no more patience.
        figure: whether to make a map of owners as well, from the same tags.

    Raises:
        NotOnThisTargetError: mappings are not known.
    """
    unlimited = everything or session.info.kind == "core"
    deadline = inf if unlimited else monotonic() + session.patience
    rows: list[Row] = []
    closed: list[Region] = []
    total = _Count()
    found = list(_found(session, closed))
    cells = CellMapBuilder(found) if figure else None
    for region in found:
        pieces = _read(session, region, lambda: monotonic() > deadline)
        count = _count(pieces if cells is None else _shown(pieces, region, cells))
        total.tags += count.tags
        total.holes += count.holes
        rows.append(_row(region, count))
    known = total.tags or not rows or any(row["tagged"] is True for row in rows)
    headline = _headline(len(rows), total) if known else f"{len(rows)} mappings may be tagged"
    drawn = cells.build(owners(session)) if cells else None
    notes = _notes(total, len(closed), drawn)
    return flat(
        command,
        session.info,
        columns,
        tuple(rows),
        notes,
        headline=headline,
        listing=True,
        figure=drawn,
    )


def _row(region: Region, count: _Count) -> Row:
    return {
        "start": region.start,
        "end": region.end,
        "perms": region.perms,
        "name": region.name,
        "tagged": region.tagged,
        "dumped": region.dumped,
        "histogram": count.as_value(),
    }


def _notes(total: _Count, closed: int, drawn: CellMap | None) -> tuple[str, ...]:
    notes = []
    if unread := total.holes[_NOT_READ]:
        notes.append(f"{size_text(unread * GRANULE)} were not read for lack of time: use --all")
    if closed:
        notes.append(
            f"{closed} mapping{'s' if closed > 1 else ''} without read access:"
            " whether tagged cannot be told here"
        )
    if drawn and drawn.left_out:
        notes.append(f"the picture leaves out the {drawn.left_out} smallest mappings")
    return tuple(notes)
