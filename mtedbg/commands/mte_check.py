"""`mte-check`: does a pointer match the memory it points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command
from mtedbg.model.absent import Absent
from mtedbg.report import Answer, Column, Kind, Record, Row

if TYPE_CHECKING:
    from mtedbg.analysis.tags.check import TagCheck
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.tags.advice import next_step, unchecked
    from mtedbg.analysis.tags.check import check

    found = check(session, arguments.ptr)
    row: Row = {
        "address": found.address,
        "logical_tag": found.pointer_tag,
        "allocation_tag": found.memory_tag,
        "match": found.match,
    }
    notes = next_step(found.memory_tag) + unchecked(arguments.ptr, found.memory_tag)
    return Answer(Record(row), _headline(found), notes)


def _headline(found: TagCheck) -> str:
    if isinstance(found.memory_tag, Absent):
        return f"no memory tag to compare with: {found.memory_tag}"
    if found.match is True:
        return f"match: pointer and memory have tag {found.pointer_tag}"
    return f"mismatch: pointer tag {found.pointer_tag}, memory tag {found.memory_tag}"


COMMAND = Command(
    name="mte-check",
    summary="Whether the logical tag of PTR matches the allocation tag of its memory.",
    columns=(
        Column("address", Kind.ADDRESS, "the address, without tag and PAC bits"),
        Column("logical_tag", Kind.TAG, "the pointer's tag"),
        Column("allocation_tag", Kind.TAG, "the memory's tag"),
        Column("match", Kind.FLAG, "whether they are equal"),
    ),
    run=_run,
    arguments=(Argument("PTR", "a pointer, including its tag"),),
    example="mte-check $x16",
)
