"""The tags of a faulting access: of the granules that it touches, and of its pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.access import LONGEST_ACCESS
from mtedbg.analysis.tags.runs import by_granule
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.pointer import GRANULE, granule_of, granule_span, logical_tag

if TYPE_CHECKING:
    from mtedbg.session import Session

_WHOLE = 8 * GRANULE
"""Bytes of the longest access whose granules are all looked at."""


@dataclass(frozen=True, slots=True)
class InferredTag:
    """The tag of a pointer that the registers near the fault address agree on.

    Attributes:
        tag: it.
        registers: their names.
    """

    tag: int
    registers: tuple[str, ...]


def touched(
    session: Session, span: tuple[int, int] | Absent, address: int
) -> dict[int, int | Absent]:
    """The allocation tag of every granule that an access touches, by address.

    Args:
        session: where.
        span: first and one-past-last byte of the access; of a long one the granules around
            `address` are looked at.
        address: that faulted.
    """
    low, high = (address, address + 1) if isinstance(span, Absent) else span
    if high - low > _WHOLE:
        around = granule_of(address)
        low, high = max(low, around - _WHOLE // 2), min(high, around + _WHOLE // 2)
    if low >= high:  # the fault is far from what it may have touched
        low, high = address, address + 1
    start, end = granule_span(low, high - low)
    tags = by_granule(session.target.read_tags(start, end))
    # A damaged core's segments may begin and end within a granule.
    return {at: tags.get(at, Absent(Reason.NOT_DUMPED)) for at in range(start, end, GRANULE)}


def failed_granule(
    tags: Mapping[int, int | Absent], address: int, pointer_tag: int | Absent
) -> int:
    """The granule whose tag did not match: that of the fault address, or else the first."""
    at_address = granule_of(address)
    if at_address not in tags:
        at_address = next(iter(tags))
    if isinstance(pointer_tag, Absent) or tags[at_address] != pointer_tag:
        return at_address
    return next((start for start, tag in tags.items() if tag != pointer_tag), at_address)


def inferred_tag(
    session: Session, registers: Mapping[str, int] | Absent, address: int, memory: int | Absent
) -> InferredTag | None:
    """The pointer's tag where neither si_addr nor the instruction tells it.

    The access's base is among the registers: where all of those that point near the address, and
    do not match its memory, have one tag, it is that.
    """
    if isinstance(registers, Absent) or isinstance(memory, Absent):
        return None
    near = {
        name: logical_tag(value)
        for name, value in registers.items()
        if abs(session.strip(value) - address) < LONGEST_ACCESS and logical_tag(value) != memory
    }
    tags = set(near.values())
    return InferredTag(tags.pop(), tuple(near)) if len(tags) == 1 else None
