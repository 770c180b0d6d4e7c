"""Cutting a range of memory at the edges of mappings, and joining tags again."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region, TagPiece

Regions = Sequence[Region] | Absent

PAGE = 4096
"""Smallest page of AArch64: whether memory is tagged is a matter of whole pages."""

NOT_TAGGED = Absent(Reason.NOT_TAGGED)
UNMAPPED = Absent(Reason.UNMAPPED)


def hole_of(region: Region | None) -> Absent | None:
    """Why a range in `region`, or in none, has no tags; None where it has some."""
    if region is None:
        return UNMAPPED
    if isinstance(region.tagged, Absent):
        return region.tagged
    return None if region.tagged else NOT_TAGGED


def by_region(
    start: int, end: int, regions: Sequence[Region]
) -> Iterator[tuple[int, int, Region | None]]:
    """[start, end) as pieces that lie in one region each, or in none.

    Args:
        start: first address.
        end: one past the last address.
        regions: in order of address, disjoint.
    """
    at = start
    first = max(bisect_right(regions, start, key=lambda region: region.start) - 1, 0)
    for region in regions[first:]:
        if region.start >= end or at >= end:
            break
        if region.end <= at:
            continue
        if at < region.start:
            yield at, region.start, None
            at = region.start
        yield at, min(end, region.end), region
        at = min(end, region.end)
    if at < end:
        yield at, end, None


def joined(pieces: Iterable[TagPiece]) -> list[TagPiece]:
    """The same range with as few pieces as possible: neighbours of one kind are one."""
    parts: list[tuple[TagPiece, list[bytes]]] = []
    for piece in pieces:
        tags = piece.tags
        last = parts[-1] if parts else None
        if last and isinstance(tags, bytes) and last[1]:
            last[1].append(tags)
            parts[-1] = (TagPiece(last[0].start, piece.end, b""), last[1])
        elif last and not isinstance(tags, bytes) and tags == last[0].tags:
            parts[-1] = (TagPiece(last[0].start, piece.end, tags), [])
        else:
            parts.append((piece, [tags] if isinstance(tags, bytes) else []))
    return [
        TagPiece(piece.start, piece.end, b"".join(tags) if tags else piece.tags)
        for piece, tags in parts
    ]
