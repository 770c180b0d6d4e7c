"""Memory that a core does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.postmortem.missing import MissingMemory

SHOWN = 64
WHOLE = 1 << 12
"""Mappings that a file has room for."""

NAME = "holes"
COLUMNS = (
    Column("start", Kind.ADDRESS, "first address of the mapping"),
    Column("end", Kind.ADDRESS, "one past its last address"),
    Column("perms", Kind.TEXT, "as in /proc/PID/maps"),
    Column("name", Kind.TEXT, "file or pseudo name"),
    Column("missing", Kind.TEXT, "contents, tags or both"),
)


def answer(found: tuple[MissingMemory, ...] | Absent, most: int = SHOWN) -> Answer:
    """The mappings that are not all there.

    Args:
        found: the mappings, or why they are not known.
        most: rows at most.
    """
    if isinstance(found, Absent):
        return Answer(notes=(f"mappings: {found}",))
    answer = Answer(Table(tuple(map(_row, found[:most]))))
    if not found:
        return answer.noting("all mappings are present, with their tags")
    return answer.noting(f"and {len(found) - most} more") if len(found) > most else answer


def _row(one: MissingMemory) -> Row:
    missing = ["contents"] * one.contents + ["tags"] * one.tags
    return {
        "start": one.region.start,
        "end": one.region.end,
        "perms": one.region.perms,
        "name": one.region.name,
        "missing": " and ".join(missing),
    }
