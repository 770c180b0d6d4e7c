"""The allocation tags around an address or over a length: read once, as runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import chain, islice
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.owner import owners
from mtedbg.analysis.tags.runs import ADDRESS_SPACE, Run, joined, runs
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, Reason, present, then
from mtedbg.model.pointer import GRANULE, granule_of, granule_span, logical_tag
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.session import Session

LINE = 16 * GRANULE
"""Bytes of memory that a line of a tag map shows."""

LINES_AROUND = 8
"""Lines of the map where no length is given; the address is in the fourth."""

MOST_LINES = 32
"""Lines of the map at most."""

MOST_LISTED = 1 << 16
"""Runs or granules that are listed at most."""


class Form(Enum):
    """How tags are shown."""

    MAP = "map"
    RUNS = "runs"
    GRANULES = "granules"


@dataclass(frozen=True, slots=True)
class TagSpan:
    """The tags of a span of memory, as far as they are shown.

    Attributes:
        pointer: what was asked about, tag and PAC bits kept.
        address: the same without them.
        runs: of equal tags or reasons to have none, from the span's beginning on; or granules.
        end: one past the last address that was asked for.
        form: how they are shown: a map only where there is a tag in it.
        owners: whose each of the sixteen tags is.
    """

    pointer: int
    address: int
    runs: tuple[Run, ...]
    end: int
    form: Form
    owners: tuple[str | int | Absent, ...]

    @property
    def pointer_tag(self) -> int:
        """The tag of the pointer."""
        return logical_tag(self.pointer)

    @property
    def memory_tag(self) -> int | Absent:
        """The allocation tag of the granule that the pointer points to."""
        unread = Absent(Reason.UNKNOWN)
        return next((one.tag for one in self.runs if one.start <= self.address < one.end), unread)

    @property
    def reached(self) -> int:
        """One past the last address of the runs."""
        return self.runs[-1].end if self.runs else self.end


def tag_at(session: Session, address: int) -> int | Absent:
    """The allocation tag of the granule that holds `address` (without tag and PAC bits)."""
    return _tag_of(session, granule_of(address))


@once
def _tag_of(session: Session, start: int) -> int | Absent:
    piece = session.target.read_tags(start, start + GRANULE)[0]
    return then(piece.tags, lambda tags: tags[0])


def tag_span(
    session: Session, pointer: int, length: int | None = None, form: Form = Form.MAP
) -> TagSpan:
    """The tags around `pointer`, or of every granule that `length` bytes from it touch.

    Args:
        session: the process.
        pointer: an address, tag and PAC bits welcome.
        length: bytes; None for some lines around it.
        form: what is wanted; a map is bounded in lines, and runs where no tag is in it.

    Raises:
        UsageError: `length` is beyond reason where mappings are not known.
    """
    address = session.strip(pointer)
    start, end = _around(session, address) if length is None else granule_span(address, length)
    end = min(end, ADDRESS_SPACE)
    found: tuple[Run, ...] = ()
    if form is Form.MAP:
        shown = min(end, line_of(start) + MOST_LINES * LINE)
        found = tuple(runs(session, start, shown))
        if any(present(run.tag) for run in found):
            return TagSpan(pointer, address, found, end, form, owners(session))
        start, form = shown, Form.RUNS
    rest = runs(session, start, end) if start < end else iter(())
    all_runs = joined(chain(found, rest))
    listed = _granules(all_runs) if form is Form.GRANULES else all_runs
    shown_runs = tuple(islice(listed, MOST_LISTED))
    return TagSpan(pointer, address, shown_runs, end, form, owners(session))


def _granules(runs: Iterable[Run]) -> Iterator[Run]:
    for run in runs:
        for start in range(run.start, run.end, GRANULE):
            yield Run(start, start + GRANULE, run.tag)


def line_of(address: int) -> int:
    """The first address of the line of a tag map that shows `address`."""
    return address & ~(LINE - 1)


def _around(session: Session, address: int) -> tuple[int, int]:
    """The span to show around `address`: within its mapping, or its granule alone."""
    low = line_of(address) - (LINES_AROUND // 2 - 1) * LINE
    high = low + LINES_AROUND * LINE
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return max(low, 0), high
    for region in regions:
        if region.start <= address < region.end:
            return max(low, region.start), min(high, region.end)
    return granule_span(address, 1)
