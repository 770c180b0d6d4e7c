"""The registers of a thread, those that point to tagged memory marked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.model.absent import Absent, or_else, then
from mtedbg.report import Answer, Column, Kind, Line, Row, Span, Table

if TYPE_CHECKING:
    from mtedbg.analysis.stacks.registers import Register, Registers

NAME = "registers"
COLUMNS = (
    Column("register", Kind.TEXT, "its name"),
    Column("value_raw", Kind.RAW, "what it holds, tag bits kept", heading="value"),
    Column("logical_tag", Kind.TAG, "bits 59:56, if it points to tagged memory", heading="tag"),
    Column("allocation_tag", Kind.TAG, "the tag of the memory that it points to", heading="memory"),
    Column("match", Kind.FLAG, "whether the two are the same"),
    Column("points_to", Kind.TEXT, "what it points to"),
)


def answer(found: Registers | Absent) -> Answer:
    """The registers as rows and lines; a note where they cannot be had."""
    if isinstance(found, Absent):
        return Answer(notes=(f"registers: {found}",))
    return Answer(
        Table(tuple(map(_row, found.all)), tuple(map(_line, found.all))),
        notes=tuple(_notes(found)),
    )


def _notes(found: Registers) -> Iterator[str]:
    wrong = [one.name for one in found.all if one.mismatches]
    if wrong:
        yield f"tag mismatch: {', '.join(wrong)}"
    if found.guest.intersection(wrong):
        yield "guest registers hold addresses without a tag: a memop's [1] inserts it"


def _row(one: Register) -> Row:
    return {
        "register": one.name,
        "value_raw": one.value,
        "logical_tag": then(one.tags, lambda tags: tags.pointer_tag),
        "allocation_tag": then(one.tags, lambda tags: tags.memory_tag),
        "match": then(one.tags, lambda tags: tags.match),
        "points_to": one.points_to,
    }


def _line(one: Register) -> Line:
    words, role = "", ""
    if not isinstance(one.tags, Absent):
        verdict = "mismatch" if one.mismatches else "match"
        words = f"  tag {one.tags.pointer_tag}, memory {one.tags.memory_tag}: {verdict}"
        role = f"tag-{verdict}"
    there = or_else(one.points_to, "")
    return (
        Span(f"{one.name:<7}", "heading"),
        Span(f"{one.value:#018x}", "address"),
        Span(f"{words:<32}" if words else "", role),
        Span(f"  {there}" if there else "", "dim"),
    )
