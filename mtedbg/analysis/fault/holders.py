"""Who holds a pointer: registers and stack slots whose value has the tag of the one that faulted.

A pointer to the very beginning of an object, with the tag of the access, is what a tag that
matches by chance is not: evidence. The access's own base register says most, a slot of the stack
that functions long ended may have left says least.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.bad_access import BadAccess
from mtedbg.dataclass import dataclass, replace
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else
from mtedbg.model.pointer import logical_tag
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.session import Session

SLOTS = 256
"""Stack slots from SP on that are looked at."""

_NEAR_SLOTS = 16
"""Those among them that are likely the innermost frames'."""
_LEAST = 1 << 16


class Place(IntEnum):
    """Where a pointer was found; the greater the better."""

    FAR_SLOT = 1
    SLOT = 2
    REGISTER = 3
    BASE = 4


@dataclass(frozen=True, slots=True)
class Holder:
    """A pointer with the tag of the access.

    Attributes:
        value: without tag.
        place: what it is in.
        name: "x3", "[sp+0x18]".
        others: in how many other places it was found.
    """

    value: int
    place: Place
    name: str
    others: int = 0


def holders(session: Session, access: BadAccess) -> tuple[Holder, ...]:
    """The pointers that are at hand, the best first; each value once."""
    found: dict[int, Holder] = {}
    for one in _all(session, access):
        known = found.get(one.value)
        if known is None:
            found[one.value] = one
        else:
            better = one if known.place < one.place else known
            found[one.value] = replace(better, others=known.others + 1)
    return tuple(sorted(found.values(), key=lambda one: -one.place))


def _all(session: Session, access: BadAccess) -> Iterator[Holder]:
    if access.base is not None and _fits(session, access, access.base):
        yield Holder(session.strip(access.base), Place.BASE, access.base_name)
    for name, value in access.registers:
        if name[:1] == "x" and name != access.base_name and _fits(session, access, value):
            yield Holder(session.strip(value), Place.REGISTER, name)
    for number, value in enumerate(_slots(session, access.register("sp") or 0)):
        if _fits(session, access, value):
            place = Place.SLOT if number < _NEAR_SLOTS else Place.FAR_SLOT
            yield Holder(session.strip(value), place, f"[sp+{8 * number:#x}]")


def _fits(session: Session, access: BadAccess, value: int) -> bool:
    return logical_tag(value) == access.tag and session.strip(value) >= _LEAST


@once
def _slots(session: Session, stack: int) -> tuple[int, ...]:
    """The words at a stack pointer: each pointer that may be held is looked for among them."""
    start = session.strip(stack) & ~7
    length = SLOTS * 8
    data: bytes | Absent = NOT_APPLICABLE
    while start and length >= 8 and isinstance(data, Absent):
        data = session.target.read_memory(start, length)
        length //= 2
    return tuple(value for (value,) in struct.iter_unpack("<Q", or_else(data, b"")))
