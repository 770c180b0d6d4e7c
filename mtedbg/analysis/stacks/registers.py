"""The registers of a thread: which of them are tagged pointers, and whether their tags match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import jit_place, region_at, symbolize
from mtedbg.analysis.stacks.return_address import return_address
from mtedbg.analysis.tags.check import TagCheck, check
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent, present
from mtedbg.session import once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mtedbg.model.process import Thread
    from mtedbg.session import Session

NAMES = (*(f"x{number}" for number in range(31)), "sp", "pc")
_LINK = "x30"
"""It may be signed."""
_NOT_A_POINTER = 1 << 12


@dataclass(frozen=True, slots=True)
class Register:
    """One register.

    Attributes:
        name: "x0" to "x30", "sp", "pc", "pstate".
        value: tag and PAC bits kept.
        points_to: what is there; does not apply to what is no pointer.
        tags: its tag and the memory's; does not apply where the memory has none.
    """

    name: str
    value: int
    points_to: str | Absent = NOT_APPLICABLE
    tags: TagCheck | Absent = NOT_APPLICABLE

    @property
    def mismatches(self) -> bool:
        """Whether it points to tagged memory, and with another tag."""
        return present(self.tags) and self.tags.match is False


@dataclass(frozen=True, slots=True)
class Registers:
    """The registers of a thread.

    Attributes:
        all: those that there are, in the order of `NAMES`, pstate last.
        guest: names of those that hold the guest's, where the thread is in translated code.
    """

    all: tuple[Register, ...]
    guest: frozenset[str]


@once
def registers(session: Session, thread: Thread) -> Registers | Absent:
    """The registers of `thread`, or why they cannot be had."""
    return registers_of(session, session.target.registers(thread))


def registers_of(session: Session, values: Mapping[str, int] | Absent) -> Registers | Absent:
    """Registers by name, as those of a thread or of what a signal has interrupted."""
    if isinstance(values, Absent):
        return values
    found = [_register(session, name, values[name]) for name in NAMES if name in values]
    if "pstate" in values:
        found.append(Register("pstate", values["pstate"]))
    return Registers(tuple(found), _guest_registers(session, values.get("pc", 0)))


def _guest_registers(session: Session, pc: int) -> frozenset[str]:
    found = jit_place(session, session.strip(pc))
    if found is None:
        return frozenset()
    from mtedbg.model.frame import GENERAL_REGISTERS

    return frozenset(found[0].registers.get(one, "") for one in GENERAL_REGISTERS)


def _register(session: Session, name: str, value: int) -> Register:
    address = return_address(session, value) if name == _LINK else session.strip(value)
    if address < _NOT_A_POINTER or region_at(session, address) is None:
        return Register(name, value)
    tags = check(session, value)
    return Register(
        name,
        value,
        str(symbolize(session, address)) or NOT_APPLICABLE,
        tags if present(tags.memory_tag) else NOT_APPLICABLE,
    )
