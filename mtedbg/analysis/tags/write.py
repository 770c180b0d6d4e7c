"""Writing allocation tags: the one question here that changes the process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.runs import ADDRESS_SPACE, by_granule
from mtedbg.analysis.tags.span import tag_at
from mtedbg.dataclass import dataclass
from mtedbg.errors import ConnectionLostError, NotOnThisTargetError, UsageError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import size_text
from mtedbg.model.pointer import GRANULE, granule_span
from mtedbg.model.words import counted
from mtedbg.target import TagWriter

if TYPE_CHECKING:
    from mtedbg.session import Session

MOST = 1 << 30
"""Bytes of memory that are tagged at once."""

CHECKED = 1 << 11
"""Bytes of memory at either end whose tags are read again."""

MOST_ASKED = 1 << 16
"""Bytes whose tags are read first where mappings are not known."""


@dataclass(frozen=True, slots=True)
class TagsWritten:
    """Allocation tags that were changed.

    Attributes:
        start: first address whose granule was written.
        end: one past the last.
        tags: what the granules have now, repeated from the first where they are fewer.
        before: what the first one had.
    """

    start: int
    end: int
    tags: tuple[int, ...]
    before: int | Absent

    @property
    def granules(self) -> int:
        """How many were written."""
        return (self.end - self.start) // GRANULE


def set_tags(session: Session, pointer: int, length: int, tags: Sequence[int]) -> TagsWritten:
    """Gives tags to every granule that `length` bytes at `pointer` touch.

    Args:
        session: a stopped process.
        pointer: an address; tag and PAC bits are ignored.
        length: bytes, at least 1.
        tags: each 0 to 15, at least one; repeated from the first where they are fewer than
            granules.

    Raises:
        NotOnThisTargetError: tags cannot be written here.
        UsageError: some of it is not tagged memory, it is too much, or there are more tags than
            granules; nothing was written.
        ConnectionLostError: the server refused, or gives other tags than were written.
    """
    target = session.target
    if session.info.is_dead:
        raise NotOnThisTargetError(
            "a core file cannot be written to",
            "tags can be set in a live process, under a debugger",
        )
    if not isinstance(target, TagWriter):
        raise NotOnThisTargetError(
            "this debugger's adapter cannot write tags", "the program itself can: STG, ST2G"
        )
    start, end = granule_span(session.strip(pointer), length)
    granules = (end - start) // GRANULE
    if len(tags) > granules:
        raise UsageError(
            f"{len(tags)} tags for {counted(granules, 'granule')}; nothing was written",
            f"LEN is in bytes: {len(tags) * GRANULE} for so many",
        )
    _check(session, start, end)
    before = _ends(session, start, end)
    try:
        target.write_tags(start, end, bytes(tags))
    finally:
        session.invalidate()
    after = _ends(session, start, end)
    for granule, old in before.items():
        number = (granule - start) // GRANULE
        wanted = tags[number % len(tags)] if start <= granule < end else old
        if after[granule] != wanted:
            raise ConnectionLostError(
                f"the tag at {granule:#x} is {after[granule]} after writing, not {wanted}",
                f"`mte-tags {start:#x} {end - start:#x}` shows what is there",
            )
    return TagsWritten(start, end, tuple(tags), before[start])


def _ends(session: Session, start: int, end: int) -> dict[int, int | Absent]:
    """The tags of both ends of [start, end), and of the neighbours, which must stay."""
    low, high = max(start - GRANULE, 0), min(end + GRANULE, ADDRESS_SPACE)
    if high - low <= 2 * CHECKED:
        return by_granule(session.target.read_tags(low, high))
    return by_granule(
        [*session.target.read_tags(low, low + CHECKED),
         *session.target.read_tags(high - CHECKED, high)]
    )  # fmt: skip


def _check(session: Session, start: int, end: int) -> None:
    """That all of [start, end) is tagged memory: not every server survives what is not."""
    if end - start > MOST:
        raise UsageError(
            f"{size_text(end - start)} is too much at once", f"at most {size_text(MOST)}"
        )
    at, hole = _first_hole(session, start, end)
    if hole is not None:
        raise UsageError(
            f"{at:#x}: {hole}; nothing was written", "`mte-regions` lists what is tagged"
        )


def _first_hole(session: Session, start: int, end: int) -> tuple[int, Absent | None]:
    """The first address in [start, end) that has no tag, and why; `end` and None without one."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        if end - start > MOST_ASKED:
            raise UsageError(
                f"mappings are not known: {regions}", f"at most {size_text(MOST_ASKED)} at a time"
            )
        for piece in session.target.read_tags(start, end):
            if isinstance(piece.tags, Absent):
                return piece.start, piece.tags
        return end, None
    at = start
    for region in regions:
        if region.start <= at < region.end and region.tagged is True:
            at = min(region.end, end)
    return at, None if at == end else _why(session, at)


def _why(session: Session, address: int) -> Absent:
    found = tag_at(session, address)
    return found if isinstance(found, Absent) else Absent(Reason.NOT_TAGGED)
