"""Who may have caused an asynchronous tag check fault: the kernel does not say.

The fault is reported at some later entry to the kernel; what is left are the registers, and what
functions have saved on the stack. A value that points into tagged memory with another tag than the
memory's is suspicious, the more so the nearer an instruction used its register as a base: before
the PC, or before the return address, because the entry to the kernel is mostly in a function that
the culprit's called. After the registers come stack slots, the nearest to SP first; last whatever
has tag 0, which is common and mostly innocent (allocators).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.stacks.return_address import return_address
from mtedbg.analysis.tags.span import tag_at
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.code.load_store import memory_access
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else, present
from mtedbg.model.pointer import logical_tag

if TYPE_CHECKING:
    from mtedbg.session import Session

LOOK_BACK = 64
"""Instructions before an address that are looked at."""

SLOTS = 512
"""Stack slots from SP on that are looked at."""

MOST_SLOTS = 8
"""Suspects among them."""

_LEAST = 1 << 12
_WORD = 4
_RETURN = "x30"
_BEFORE = ("pc", _RETURN)
_NAMES = [f"x{number}" for number in range(31)]


@dataclass(frozen=True, slots=True)
class BaseUse:
    """The last use of a register as the base of a checked access.

    Attributes:
        before: the register with the address that it was before: "pc" or "x30".
        distance: how many instructions before.
    """

    before: str
    distance: int


@dataclass(frozen=True, slots=True)
class Suspect:
    """A pointer whose tag does not match the memory that it points to.

    Attributes:
        value: the pointer, tag kept.
        memory_tag: the allocation tag of the granule that it points to.
        register: that holds it; None of a stack slot.
        slot: where on the stack it is, bytes from SP on; None of a register.
        used: the register's last use as a base, where one was found.
    """

    value: int
    memory_tag: int
    register: str | None = None
    slot: int | None = None
    used: BaseUse | None = None

    @property
    def pointer_tag(self) -> int:
        """The pointer's tag."""
        return logical_tag(self.value)

    @property
    def name(self) -> str:
        """Where it was found: "x3", "[sp+0x18]"."""
        return f"[sp+{self.slot:#x}]" if self.register is None else self.register


def suspects(session: Session, registers: Mapping[str, int], pc: int) -> tuple[Suspect, ...]:
    """The pointers whose tag does not match the memory they point to, likeliest first.

    Args:
        session: where.
        registers: of the thread that took the signal, by name.
        pc: its program counter, without PAC bits.
    """
    found = list(_in_registers(session, registers, pc))
    known = {suspect.value for suspect in found}
    for suspect in _on_the_stack(session, registers):
        if suspect.value not in known:
            found.append(suspect)
            known.add(suspect.value)
    return tuple(sorted(found, key=_rank))


def can_compare(session: Session, registers: Mapping[str, int] | Absent) -> bool:
    """Whether any register points to memory whose allocation tag is known."""
    if isinstance(registers, Absent):
        return False
    addresses = [session.strip(registers.get(name, 0)) for name in (*_NAMES, "sp")]
    return any(present(tag_at(session, one)) for one in addresses if one >= _LEAST)


def _rank(suspect: Suspect) -> tuple[bool, int, int]:
    """Sorts the likeliest first."""
    untagged = suspect.pointer_tag == 0
    if suspect.used is not None:
        return False, _BEFORE.index(suspect.used.before), suspect.used.distance
    if suspect.slot is None:
        return untagged, len(_BEFORE), 0
    return untagged, len(_BEFORE) + 1, suspect.slot


def _in_registers(session: Session, registers: Mapping[str, int], pc: int) -> Iterator[Suspect]:
    uses = _uses(session, registers, pc)
    for name in _NAMES:
        value = registers.get(name)
        suspect = None if value is None else _suspect(session, value)
        if suspect is not None:
            yield replace(suspect, register=name, used=uses.get(name))


def _suspect(session: Session, value: int) -> Suspect | None:
    """`value` as a suspect, where it points to tagged memory with another tag."""
    memory_tag = tag_at(session, session.strip(value))
    if isinstance(memory_tag, Absent) or memory_tag == logical_tag(value):
        return None
    return Suspect(value, memory_tag)


def _uses(session: Session, registers: Mapping[str, int], pc: int) -> dict[str, BaseUse]:
    """The last use of each register that was a base; before the PC counts most."""
    places = {_RETURN: return_address(session, registers.get(_RETURN, 0)), "pc": pc}
    return {
        name: BaseUse(place, distance)
        for place, address in places.items()
        for name, distance in _bases_before(session, address).items()
    }


def _bases_before(session: Session, address: int) -> dict[str, int]:
    """How many instructions before `address` each register was last a checked access's base."""
    found: dict[str, int] = {}
    words = struct.iter_unpack("<I", _code_before(session, address))
    for back, (word,) in enumerate(reversed(list(words)), 1):
        access = memory_access(word)
        if not isinstance(access, Absent) and access.checked:
            found.setdefault(access.base_name, back)
    return found


def _code_before(session: Session, address: int) -> bytes:
    """Up to `LOOK_BACK` instructions before `address`, as many as can be read."""
    code, count = b"", LOOK_BACK
    while count and len(code) < LOOK_BACK * _WORD:
        start = address - len(code) - count * _WORD
        more = session.target.read_memory(start, count * _WORD) if start >= 0 else NOT_APPLICABLE
        code = or_else(more, b"") + code
        count //= 2  # what is left is less than what could not be read
    return code


def _on_the_stack(session: Session, registers: Mapping[str, int]) -> Iterator[Suspect]:
    """Suspects in the stack slots from SP on, at most `MOST_SLOTS`."""
    start = session.strip(registers.get("sp", 0)) & ~7
    length = SLOTS * 8
    data: bytes | Absent = NOT_APPLICABLE
    while length >= 8 and isinstance(data, Absent):
        data = session.target.read_memory(start, length)
        length //= 2
    found = 0
    for number, (value,) in enumerate(struct.iter_unpack("<Q", or_else(data, b""))):
        tagged = logical_tag(value) and session.strip(value) >= _LEAST
        suspect = _suspect(session, value) if tagged else None
        if suspect is not None:
            yield replace(suspect, slot=8 * number)
            found += 1
            if found == MOST_SLOTS:
                return
