"""Who may have caused an asynchronous tag check fault: the kernel does not say.

The fault is reported at some later entry to the kernel; what is left are the registers. One that
points into tagged memory with another tag than the memory's is suspicious, the more so the nearer
an instruction used it as its base: before the PC, or before the return address, because the entry
to the kernel is mostly in a function that the culprit's called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.decode.loadstore import memory_access
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.pointer import logical_tag
from mtedbg.query.tags import tag_at
from mtedbg.report import Scalar

if TYPE_CHECKING:
    from mtedbg.session import Session

LOOK_BACK = 64
"""Instructions before an address that are looked at."""

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
    """The registers whose tag does not match the memory they point to, likeliest first.

    Args:
        session: where.
        registers: of the thread that took the signal, by name.
        pc: its program counter, without PAC bits.
    """
    uses = _uses(session, registers, pc)
    found: list[tuple[tuple[str, int], Mapping[str, Scalar]]] = []
    for name in _NAMES:
        value = registers.get(name)
        if value is None:
            continue
        memory_tag = tag_at(session, session.strip(value))
        if isinstance(memory_tag, Absent) or memory_tag == logical_tag(value):
            continue
        place, distance = uses.get(name, ("~", 0))  # behind "pc" and "x30"
        suspect: Mapping[str, Scalar] = {
            "register": name,
            "value_raw": value,
            "tag": logical_tag(value),
            "allocation_tag": memory_tag,
            "base_before": place if name in uses else NOT_APPLICABLE,
            "distance": distance if name in uses else NOT_APPLICABLE,
        }
        found.append(((place, distance), suspect))
    # A pointer without a tag into tagged memory is common and mostly innocent (allocators).
    found.sort(key=lambda pair: (pair[0], pair[1]["tag"] == 0))
    return tuple(suspect for _, suspect in found)
