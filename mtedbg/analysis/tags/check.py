"""Whether a pointer fits the memory that it points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.tags.advice import next_step
from mtedbg.analysis.tags.tags import tag_at
from mtedbg.model.absent import Absent
from mtedbg.model.pointer import logical_tag
from mtedbg.report import Column, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _headline(pointer_tag: int, memory_tag: int | Absent) -> str:
    if isinstance(memory_tag, Absent):
        return f"no memory tag to compare with: {memory_tag}"
    if pointer_tag == memory_tag:
        return f"match: pointer and memory have tag {pointer_tag}"
    return f"mismatch: pointer tag {pointer_tag}, memory tag {memory_tag}"


def check(session: Session, command: str, columns: tuple[Column, ...], pointer: int) -> Report:
    """Compares the tag in `pointer` with that of the granule it points to.

    Args:
        session: where.
        command: name of the command that asks.
        columns: its columns.
        pointer: 64 bits, tag and PAC bits kept.
    """
    address = session.strip(pointer)
    pointer_tag, memory_tag = logical_tag(pointer), tag_at(session, address)
    row = {
        "address": address,
        "logical_tag": pointer_tag,
        "allocation_tag": memory_tag,
        "match": memory_tag if isinstance(memory_tag, Absent) else memory_tag == pointer_tag,
    }
    step = next_step(memory_tag) if isinstance(memory_tag, Absent) else ""
    notes = (step,) if step else ()
    headline = _headline(pointer_tag, memory_tag)
    return Report(command, session.info, columns, (row,), notes, headline=headline)
