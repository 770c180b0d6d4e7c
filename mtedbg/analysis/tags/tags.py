"""The allocation tags around an address or over a length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.advice import next_step
from mtedbg.analysis.tags.owner import owners
from mtedbg.analysis.tags.runs import ADDRESS_SPACE, Run, pieces, runs
from mtedbg.analysis.tags.tag_map import ROW, by_granule, draw, row_of
from mtedbg.model.absent import NOT_APPLICABLE, Absent, present
from mtedbg.model.pointer import GRANULE, granule_of, granule_span, logical_tag
from mtedbg.report import Column, Report, Row

if TYPE_CHECKING:
    from mtedbg.session import Session

ROWS_AROUND = 8
"""Lines of the map where no length is given; ADDR is in the fourth."""

ROWS_OF_MAP = 32
"""Lines of the map at most."""

ROWS_OF_TABLE = 1 << 16
"""Rows of a report at most: what is cut off is said, and from where to go on."""


def _window(session: Session, address: int) -> tuple[int, int]:
    """The span to show around `address`: within its mapping, or its granule's line alone."""
    low = row_of(address) - (ROWS_AROUND // 2 - 1) * ROW
    high = low + ROWS_AROUND * ROW
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return max(low, 0), min(high, ADDRESS_SPACE)
    for region in regions:
        if region.start <= address < region.end:
            return max(low, region.start), min(high, region.end)
    return granule_span(address, 1)


def tag_at(session: Session, address: int) -> int | Absent:
    """The allocation tag of the granule that holds `address` (without tag and PAC bits)."""
    start = granule_of(address)
    piece = session.target.read_tags(start, start + GRANULE)[0]
    return piece.tags if isinstance(piece.tags, Absent) else piece.tags[0]


def verdict(address: int, pointer_tag: int, memory_tag: int | Absent) -> str:
    """One line: whether the pointer fits the memory."""
    if isinstance(memory_tag, Absent):
        return f"{address:#x}: {memory_tag}"
    fits = "match" if pointer_tag == memory_tag else "mismatch"
    return f"{address:#x}: memory tag {memory_tag}, pointer tag {pointer_tag}: {fits}"


def _each_granule(found: Iterator[Run]) -> Iterator[Run]:
    for run in found:
        for start in range(run.start, run.end, GRANULE):
            yield Run(start, start + GRANULE, run.tag)


def _rows(session: Session, found: Iterator[Run]) -> tuple[Row, ...]:
    owner = owners(session)
    return tuple(
        {
            "start": run.start,
            "end": run.end,
            "tag": run.tag,
            "owner": NOT_APPLICABLE if isinstance(run.tag, Absent) else owner[run.tag],
        }
        for run in found
    )


def tags(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    pointer: int,
    length: int | None = None,
    *,
    granules: bool = False,
    picture: bool = True,
) -> Report:
    """The tags around `pointer`, or of every granule that `length` bytes from it touch.

    Args:
        session: where.
        command: name of the command that asks.
        columns: its columns.
        pointer: an address, tag and PAC bits welcome.
        length: bytes; None for some lines around.
        granules: a row for each granule, and not for each run of equal tags.
        picture: whether text shows the map.

    Raises:
        UsageError: `length` is beyond reason where mappings are not known.
    """
    address = session.strip(pointer)
    here = tag_at(session, address)
    headline = verdict(address, logical_tag(pointer), here)
    report = Report(command, session.info, columns, headline=headline, listing=True)
    if isinstance(here, Absent) and (step := next_step(here)):
        report = report.noting(step)
    if length is None:
        start, end = _window(session, address)
    else:
        start, end = granule_span(address, length)
        end = min(end, ADDRESS_SPACE)
    drawn = _drawn(session, report, pointer, start, end) if picture else None
    return drawn or _listed(session, report, start, end, granules=granules)


def _listed(session: Session, report: Report, start: int, end: int, *, granules: bool) -> Report:
    found = runs(session, start, end)
    if granules:
        found = _each_granule(found)
    rows = _rows(session, islice(found, ROWS_OF_TABLE))
    if next(found, None) is None:
        return replace(report, rows=rows)
    reached = rows[-1]["end"]
    return replace(report, rows=rows, cut=True).noting(
        f"cut off after {len(rows)} rows: `{report.command} {reached:#x} LEN` goes on"
    )


def _drawn(session: Session, report: Report, pointer: int, start: int, end: int) -> Report | None:
    """The report with its map and the rows that this shows; None where there is no tag in it."""
    shown = min(end, row_of(start) + ROWS_OF_MAP * ROW)
    by_address = by_granule(pieces(session, start, shown))
    if not any(present(tag) for tag in by_address.values()):
        return None
    drawn = draw(by_address, pointer, session.strip(pointer))
    report = replace(report, picture=drawn.lines, rows=_rows(session, runs(session, start, shown)))
    if shown < end:
        more = min(end - shown, ROWS_OF_MAP * ROW)
        report = report.noting(
            f"{end - shown:#x} bytes from {shown:#x} on are not drawn:"
            f" `{report.command} {shown:#x} {more:#x}` goes on, --runs lists every stretch"
        )
    notes = (drawn.legend, _whose(session, by_address))
    return report.noting(*(note for note in notes if note))


def _whose(session: Session, tags_drawn: Mapping[int, int | Absent]) -> str:
    """What the tags in the map stand for, where a runtime says it."""
    owner = owners(session)
    tags_there = sorted({tag for tag in tags_drawn.values() if present(tag)})
    words = [(f"{tag:x}", owner[tag]) for tag in tags_there]
    return ", ".join(
        f"{sign} {whose if isinstance(whose, str) else f'core {whose}'}"
        for sign, whose in words
        if not isinstance(whose, Absent)
    )
