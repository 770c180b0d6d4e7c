"""Who may have caused an asynchronous tag check fault: the kernel does not say.

The fault is reported at some later entry to the kernel; what is left are the registers, and what
functions have saved on the stack. A value that points into tagged memory with another tag than the
memory's is suspicious, the more so the nearer an instruction used its register as a base: before
the PC, or before the return address, because the entry to the kernel is mostly in a function that
the culprit's called. Behind the registers come stack slots, the nearest to SP first; last whatever
has tag 0, which is common and mostly innocent (allocators).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.span import tag_at
from mtedbg.decode.code.load_store import memory_access
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.pointer import logical_tag
from mtedbg.report import Scalar

if TYPE_CHECKING:
    from mtedbg.session import Session

LOOK_BACK = 64
"""Instructions before an address that are looked at."""

SLOTS = 512
"""Stack slots from SP on that are looked at."""

MOST_SLOTS = 8
"""Suspects among them."""

_LEAST = 1 << 12
_PLACES = ("pc", "x30", "")
_WORD = 4
_RETURN = "x30"
_NAMES = [f"x{number}" for number in range(31)]


def _bases_before(session: Session, address: int) -> dict[str, int]:
    """How many instructions before `address` each register was last a checked access's base."""
    found: dict[str, int] = {}
    for back in range(1, min(LOOK_BACK, address // _WORD) + 1):
        code = session.target.read_memory(address - back * _WORD, _WORD)
        if isinstance(code, Absent):
            break
        access = memory_access(int.from_bytes(code, "little"))
        if not isinstance(access, Absent) and access.checked:
            found.setdefault(access.base_name, back)
    return found


def _uses(session: Session, registers: Mapping[str, int], pc: int) -> dict[str, tuple[str, int]]:
    """For each register that was a base: before what ("pc" or "x30"), and how far."""
    places = {_RETURN: session.strip(registers.get(_RETURN, 0)), "pc": pc}
    return {
        name: (place, distance)
        for place, address in places.items()
        for name, distance in _bases_before(session, address).items()
    }


def candidates(
    session: Session, registers: Mapping[str, int], pc: int
) -> tuple[Mapping[str, Scalar], ...]:
    """The pointers whose tag does not match the memory they point to, likeliest first.

    Args:
        session: where.
        registers: of the thread that took the signal, by name.
        pc: its program counter, without PAC bits.
    """
    uses = _uses(session, registers, pc)
    found: list[tuple[tuple[bool, int, int], Mapping[str, Scalar]]] = []
    for name in _NAMES:
        if (value := registers.get(name)) is None:
            continue
        if (suspect := _suspect(session, name, value)) is None:
            continue
        place, distance = uses.get(name, ("", 0))
        if place:
            suspect |= {"base_before": place, "distance": distance}
        innocent = not place and suspect["tag"] == 0
        found.append(((innocent, _PLACES.index(place), distance), suspect))
    known = {suspect["value_raw"] for _, suspect in found}
    for offset, suspect in _on_the_stack(session, registers):
        if suspect["value_raw"] not in known:
            found.append(((suspect["tag"] == 0, len(_PLACES), offset), suspect))
            known.add(suspect["value_raw"])
    found.sort(key=lambda pair: pair[0])
    return tuple(suspect for _, suspect in found)


def _suspect(session: Session, name: str, value: int) -> dict[str, Scalar] | None:
    """`value` as a suspect, where it points to tagged memory with another tag."""
    memory_tag = tag_at(session, session.strip(value))
    if isinstance(memory_tag, Absent) or memory_tag == logical_tag(value):
        return None
    return {
        "register": name,
        "value_raw": value,
        "tag": logical_tag(value),
        "allocation_tag": memory_tag,
        "base_before": NOT_APPLICABLE,
        "distance": NOT_APPLICABLE,
    }


def _on_the_stack(
    session: Session, registers: Mapping[str, int]
) -> Iterator[tuple[int, dict[str, Scalar]]]:
    """Suspects in the stack slots from SP on, with their offsets."""
    start = session.strip(registers.get("sp", 0)) & ~7
    length = SLOTS * 8
    data: bytes | Absent = NOT_APPLICABLE
    while length >= 8 and isinstance(data, Absent):
        data = session.target.read_memory(start, length)
        length //= 2
    found = 0
    for number, (value,) in enumerate(
        struct.iter_unpack("<Q", b"" if isinstance(data, Absent) else data)
    ):
        tagged = logical_tag(value) and session.strip(value) >= _LEAST
        suspect = _suspect(session, f"[sp+{8 * number:#x}]", value) if tagged else None
        if suspect is not None:
            yield 8 * number, suspect
            found += 1
            if found == MOST_SLOTS:
                return
