"""Who may have caused an asynchronous tag check fault: the kernel does not say.

The fault is reported at some later entry to the kernel; what is left are the registers. One that
points into tagged memory with another tag than the memory's is suspicious, the more so the nearer
before the PC an instruction used it as its base.
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
"""Instructions before the PC that are looked at."""

_WORD = 4
_NAMES = [f"x{number}" for number in range(31)]


def _distances(session: Session, pc: int) -> dict[str, int]:
    """How many instructions before `pc` each register was last the base of a checked access."""
    found: dict[str, int] = {}
    for back in range(1, LOOK_BACK + 1):
        code = session.target.read_memory(pc - back * _WORD, _WORD) if pc >= back * _WORD else b""
        if isinstance(code, Absent) or not code:
            break
        access = memory_access(int.from_bytes(code, "little"))
        if not isinstance(access, Absent) and access.checked:
            found.setdefault(access.base_name, back)
    return found


def candidates(
    session: Session, registers: Mapping[str, int], pc: int
) -> tuple[Mapping[str, Scalar], ...]:
    """The registers whose tag does not match the memory they point to, likeliest first.

    Args:
        session: where.
        registers: of the thread that took the signal, by name.
        pc: its program counter, without PAC bits.
    """
    distances = _distances(session, pc)
    found: list[tuple[int, Mapping[str, Scalar]]] = []
    for name in _NAMES:
        value = registers.get(name)
        if value is None:
            continue
        memory_tag = tag_at(session, session.strip(value))
        if isinstance(memory_tag, Absent) or memory_tag == logical_tag(value):
            continue
        found.append(
            (
                distances.get(name, LOOK_BACK + 1),
                {
                    "register": name,
                    "value_raw": value,
                    "tag": logical_tag(value),
                    "allocation_tag": memory_tag,
                    "distance": distances.get(name, NOT_APPLICABLE),
                },
            )
        )
    # A pointer without a tag into tagged memory is common and mostly innocent (allocators).
    found.sort(key=lambda pair: (pair[0], pair[1]["tag"] == 0))
    return tuple(candidate for _, candidate in found)
