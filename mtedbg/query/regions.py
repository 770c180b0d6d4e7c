"""The tagged mappings and how their tags are spread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mtedbg.errors import NotOnThisTargetError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region
from mtedbg.model.pointer import GRANULE
from mtedbg.query.stretches import pieces
from mtedbg.report import Column, Report, Row, Scalar, Value

if TYPE_CHECKING:
    from mtedbg.session import Session

LIVE_LIMIT = 64 << 20
"""Bytes of memory of a live process whose tags are counted unasked: a server may be slow."""

_HOLE = "absent"
_NOT_READ = Absent(Reason.UNKNOWN, "not read: --all reads every mapping")


@dataclass
class _Count:
    """Granules by tag, and those without by the reason."""

    tags: Counter[int] = field(default_factory=Counter)
    holes: Counter[Absent] = field(default_factory=Counter)

    def as_value(self) -> Mapping[str, Scalar] | Absent:
        """As it stands in a row: the first hole's reason where there is nothing else."""
        reasons = list(self.holes)
        if not self.tags:
            return reasons[0] if reasons else _NOT_READ
        counts: dict[str, Scalar] = {str(tag): self.tags[tag] for tag in sorted(self.tags)}
        if reasons:
            number = self.holes.total()
            counts[_HOLE] = Absent(reasons[0].reason, f"{number} granules")
        return counts


def _count(session: Session, region: Region) -> _Count:
    count = _Count()
    for piece in pieces(session, region.start, region.end):
        if isinstance(piece.tags, Absent):
            count.holes[piece.tags] += piece.granules
            continue
        for tag in range(16):
            if number := piece.tags.count(tag):
                count.tags[tag] += number
    return count


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


def size_text(size: int) -> str:
    """A size as people say it: "64 KiB"."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"


def _headline(sizes: list[int], total: Counter[int]) -> str:
    if not sizes:
        return "no tagged mappings"
    plural = "s" if len(sizes) > 1 else ""
    what = f"{len(sizes)} tagged mapping{plural}, {size_text(sum(sizes))}"
    if not total:
        return what
    marked = total.total() - total[0]
    return f"{what}; {marked} of {total.total()} granules read have a tag other than 0"


def regions(
    session: Session, command: str, columns: tuple[Column, ...], *, everything: bool = False
) -> Report:
    """The tagged mappings, each read once.

    Args:
        session: where.
        command: name of the command that asks.
        columns: its columns.
        everything: whether to count the tags of a live process beyond `LIVE_LIMIT`.

    Raises:
        NotOnThisTargetError: mappings are not known.
    """
    left = None if everything or session.info.kind == "core" else LIVE_LIMIT
    rows: list[Row] = []
    sizes: list[int] = []
    closed: list[Region] = []
    total: Counter[int] = Counter()
    for region in _found(session, closed):
        size = region.end - region.start
        histogram: Value = _NOT_READ
        if left is None or size <= left:
            left = None if left is None else left - size
            count = _count(session, region)
            total += count.tags
            histogram = count.as_value()
        sizes.append(size)
        rows.append(
            {
                "start": region.start,
                "end": region.end,
                "perms": region.perms,
                "name": region.name,
                "tagged": region.tagged,
                "dumped": region.dumped,
                "histogram": histogram,
            }
        )
    headline = _headline(sizes, total)
    report = Report(command, session.info, columns, tuple(rows), headline=headline, listing=True)
    if not closed:
        return report
    return report.noting(
        f"{len(closed)} mapping{'s' if len(closed) > 1 else ''} without read access:"
        " whether tagged cannot be told here"
    )
