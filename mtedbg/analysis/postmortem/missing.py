"""What a core does not have: mappings without contents or without tags, files not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.pointer import GRANULE
from mtedbg.report import Column, Kind, Report, Row, flat
from mtedbg.target import ImageLister

if TYPE_CHECKING:
    from mtedbg.session import Session

MAX_HOLES = 64
WHOLE = 1 << 12
"""Mappings that a file has room for."""

HOLE_COLUMNS = (
    Column("start", Kind.ADDRESS, "first address of the mapping"),
    Column("end", Kind.ADDRESS, "one past its last address"),
    Column("perms", Kind.TEXT, "as in /proc/PID/maps"),
    Column("name", Kind.TEXT, "file or pseudo name"),
    Column("missing", Kind.TEXT, "contents, tags or both"),
)
IMAGE_COLUMNS = (
    Column("base", Kind.ADDRESS, "where its first page is mapped"),
    Column("name", Kind.TEXT, "the program's or library's path, as the core has it"),
    Column("build_id", Kind.TEXT, "as dumped with its first page"),
    Column("file", Kind.TEXT, "the file that is used for it"),
    Column("debug_file", Kind.TEXT, "the file that its symbols are from"),
    Column("remark", Kind.TEXT, "why none is used, or what is wrong with it"),
)


def holes(session: Session, most: int = MAX_HOLES) -> Report:
    """Mappings whose contents or tags are not there; those that nobody may access left out.

    Args:
        session: where.
        most: mappings at most.
    """
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return flat("holes", session.info, HOLE_COLUMNS, notes=(f"mappings: {regions}",))
    rows: list[Row] = []
    count = 0
    for region in regions:
        if region.perms == "---":
            continue
        missing = [] if region.dumped else ["contents"]
        if region.tagged is True and _tags_missing(session, region.start):
            missing.append("tags")
        if missing:
            count += 1
            if len(rows) < most:
                rows.append(
                    {
                        "start": region.start,
                        "end": region.end,
                        "perms": region.perms,
                        "name": region.name,
                        "missing": " and ".join(missing),
                    }
                )
    report = flat("holes", session.info, HOLE_COLUMNS, tuple(rows), listing=True)
    if count == 0:
        return report.noting("every mapping is there, with its tags")
    return report.noting(f"and {count - len(rows)} more") if count > len(rows) else report


def _tags_missing(session: Session, start: int) -> bool:
    first = session.target.read_tags(start, start + GRANULE)[0].tags
    return isinstance(first, Absent)


def images(session: Session) -> Report:
    """The program and the libraries, and which files stand for them."""
    target = session.target
    found = target.images() if isinstance(target, ImageLister) else ()
    rows: tuple[Row, ...] = tuple(
        {
            "base": one.base,
            "name": one.name,
            "build_id": one.build_id or NOT_APPLICABLE,
            "file": one.file or NOT_APPLICABLE,
            "debug_file": one.debug_file or NOT_APPLICABLE,
            "remark": one.remark or NOT_APPLICABLE,
        }
        for one in found
    )
    return flat("images", session.info, IMAGE_COLUMNS, rows, listing=True)
