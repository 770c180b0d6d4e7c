"""Where an allocation tag is used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.regions import LIVE_CHUNK, tagged_regions
from mtedbg.analysis.tags.runs import ADDRESS_SPACE, CHUNK, pieces, read
from mtedbg.errors import UsageError
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.memory import Region, TagPiece, size_text
from mtedbg.model.pointer import GRANULE, granule_span
from mtedbg.report import Column, Report, Row, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

ROWS = 256
"""Stretches shown where no number is given."""
MOST = 1 << 16


@dataclass
class _Seen:
    """What was gone through: bytes with tags, and bytes whose tags are not there."""

    tagged: int = 0
    missing: int = 0
    stopped_at: int | None = None


def find(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    tag: int,
    pointer: int | None = None,
    length: int | None = None,
    *,
    most: int | None = None,
    everything: bool = False,
) -> Report:
    """The stretches of memory with allocation tag `tag`, in order of address.

    Args:
        session: where.
        command: name of the command that asks.
        columns: its columns.
        tag: 0 to 15.
        pointer: where to begin; None for all tagged mappings.
        length: bytes; None for the rest of the mapping that holds `pointer`.
        most: stretches at most; `ROWS` where None.
        everything: whether to look at a live process for longer than the session has patience.

    Raises:
        NotOnThisTargetError: mappings are not known, and no range was given.
        UsageError: `pointer` is in no mapping, or the range is too long to be read blindly.
    """
    limit = ROWS if most is None else max(1, min(most, MOST))
    seen = _Seen()
    unlimited = everything or session.info.kind == "core"
    deadline = inf if unlimited else monotonic() + session.patience
    found = _stretches(_within(_pieces(session, pointer, length), seen, deadline), tag)
    rows: list[Row] = [
        {"start": start, "end": end, "tag": tag} for start, end in islice(found, limit)
    ]
    more = next(found, None)
    notes = _notes(command, tag, seen, more)
    ended = more is None and seen.stopped_at is None
    headline = _headline(tag, rows, ended=ended)
    cut = seen.stopped_at is not None or seen.missing > 0 or (more is not None and most is None)
    return flat(
        command, session.info, columns, tuple(rows), notes, headline=headline, listing=True,
        cut=cut,
    )  # fmt: skip


def _pieces(session: Session, pointer: int | None, length: int | None) -> Iterator[TagPiece]:
    """The tags to look at, in order."""
    if pointer is None:
        chunk = CHUNK if session.info.kind == "core" else LIVE_CHUNK
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


def _stretches(found: Iterable[TagPiece], tag: int) -> Iterator[tuple[int, int]]:
    """Start and end of every run of `tag`, across the edges of pieces."""
    pattern = re.compile(b"\\x%02x+" % tag)
    last: tuple[int, int] | None = None
    for piece in found:
        for match in () if isinstance(piece.tags, Absent) else pattern.finditer(piece.tags):
            low, high = (piece.start + at * GRANULE for at in match.span())
            if last is not None and last[1] == low:
                last = (last[0], high)
                continue
            if last is not None:
                yield last
            last = (low, high)
    if last is not None:
        yield last


def _headline(tag: int, rows: list[Row], *, ended: bool) -> str:
    if not rows:
        return f"no granule has tag {tag}" + ("" if ended else " so far")
    sizes = [row["end"] - row["start"] for row in rows]  # type: ignore[operator]
    what = f"{len(rows)} stretch{'es' if len(rows) > 1 else ''}"
    return f"{what} with tag {tag}, {size_text(sum(sizes))}{'' if ended else ' so far'}"


def _notes(command: str, tag: int, seen: _Seen, more: tuple[int, int] | None) -> tuple[str, ...]:
    notes = []
    if more is not None:
        notes.append(f"there are more: `{command} {tag} {more[0]:#x}` goes on in that mapping")
    elif seen.stopped_at is not None:
        notes.append(
            f"stopped at {seen.stopped_at:#x} for lack of time: --all goes through the rest"
        )
    if seen.missing:
        notes.append(f"tags of {size_text(seen.missing)} are not there: `mte-regions` says why")
    if not seen.tagged and not seen.missing:
        notes.append("there is no tagged memory here: `mte-regions` lists what is tagged")
    return tuple(notes)
