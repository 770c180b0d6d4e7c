"""What a runtime was in the middle of when it stopped."""

from __future__ import annotations

from mtedbg.layout import Runtime
from mtedbg.model.absent import Absent
from mtedbg.model.runtime import Journal

JOURNAL = "journal"
"""The array of changes in flight, by its name in the debug root."""
_MOST_SLOTS = 64


def in_flight(runtime: Runtime) -> tuple[Journal, ...] | Absent:
    """The changes in flight, one at most for each kind of writer.

    Raises:
        LayoutError: the schema lacks what reading them takes.
    """
    slots = runtime.array(JOURNAL, Journal)
    if isinstance(slots, Absent):
        return slots
    found = []
    for index in range(min(slots.count, _MOST_SLOTS)):
        slot = slots.get(index)
        if isinstance(slot, Journal) and not slot.idle:
            found.append(slot)
    return tuple(found)


def describe(entry: Journal) -> str:
    """`entry` in one line."""
    if entry.memop:
        what = f"memop {entry.memop}"
    else:
        what = f"block {entry.block}" if entry.block else f"tags at {entry.address:#x}"
    who = f" by thread {entry.thread}" if entry.thread else ""  # they are counted from 1
    phase = f", phase {entry.phase}" if entry.has_phases else ""
    return f"{entry.operation} of {what}{who} is in flight{phase}"
