"""The calls of a program that is translated by a JIT without a debug root.

From its registers up its own stack, by its own call frame information: a compiler writes that for
every function. Where a function has none, nothing is guessed: the chain ends there and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.code.guest_files import GuestPlace, guest_place
from mtedbg.analysis.code.jits import bridge_at
from mtedbg.analysis.code.source import rules_in_files
from mtedbg.analysis.code.symbolize import region_at
from mtedbg.analysis.stacks.foreign_guest import foreign_guest
from mtedbg.analysis.stacks.walk import frame_tables
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.stack.cfi import AMD64_RETURN, X86_64, unwind
from mtedbg.model.absent import Absent, present, then
from mtedbg.model.process import Symbol
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.formats.dwarf.frame_rules import FrameRules
    from mtedbg.model.foreign_code import ForeignGuest
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

MOST_LEVELS = 128
_SLOT = 8


@dataclass(frozen=True, slots=True)
class ForeignCall:
    """One level.

    Attributes:
        rip: where it stands, or where it goes on.
        place: the function, how far into it RIP is, and the line; of a call the call's.
        host: the function of the host's that it calls, where it is the translator's way there.
    """

    rip: int | Absent
    place: GuestPlace
    host: str = ""

    @property
    def name(self) -> str:
        """For people, without how far into it; empty where nothing is known."""
        symbol = self.place.symbol
        return self.host or (symbol.name if present(symbol) else "")


@dataclass(frozen=True, slots=True)
class ForeignChain:
    """The calls of the guest that a thread runs.

    Attributes:
        pc: the host's in translated code.
        guest: the guest's state there.
        calls: the innermost first.
        end: why they end.
    """

    pc: int
    guest: ForeignGuest
    calls: tuple[ForeignCall, ...]
    end: str


@once
def foreign_calls(session: Session, thread: Thread) -> ForeignChain | Absent:
    """The calls of the guest that `thread` runs: of its innermost frame in translated code.

    Does not apply where no frame is in code of a translator that can be asked.
    """
    found = foreign_guest(session, thread)
    if isinstance(found, Absent):
        return found
    return ForeignChain(found.pc, found.guest, *guest_chain(session, found.guest))


def guest_chain(session: Session, guest: ForeignGuest) -> tuple[tuple[ForeignCall, ...], str]:
    """The calls that led to a guest's state, and why they end.

    Args:
        session: the process.
        guest: RIP and the registers of an x86-64 program.
    """
    if isinstance(guest.rip, Absent):
        return (ForeignCall(guest.rip, GuestPlace()),), f"the guest's RIP is not known: {guest.rip}"
    walk = _Walk(session)
    calls = [walk.call(guest.rip, returns=False)]
    registers: Mapping[str, int] = {**guest.registers, "rip": guest.rip}
    while len(calls) < MOST_LEVELS:
        found = walk.caller(registers, is_first=len(calls) == 1)
        if isinstance(found, str):
            return tuple(calls), found
        registers = found
        calls.append(walk.call(found["rip"], returns=True))
    return tuple(calls), f"after {MOST_LEVELS} levels"


class _Walk:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._tables = frame_tables(session)

    def call(self, rip: int, *, returns: bool) -> ForeignCall:
        """The level whose RIP this is."""
        if not returns:
            return ForeignCall(
                rip, guest_place(self._session, rip), bridge_at(self._session, rip) or ""
            )
        place = guest_place(self._session, rip - 1)
        symbol = then(place.symbol, lambda one: Symbol(one.name, one.offset + 1))
        return ForeignCall(rip, replace(place, symbol=symbol))

    def caller(self, registers: Mapping[str, int], *, is_first: bool) -> Mapping[str, int] | str:
        """The caller's registers, or why there is none."""
        rip, stack = registers["rip"], self._session.strip(registers.get("rsp", 0))
        if is_first and bridge_at(self._session, rip) is not None:
            return self._returning(registers, stack, self._word(stack))
        rules = self._rules(rip if is_first else rip - 1)
        if rules is None:
            return f"no call frame information for guest {rip:#x}"
        found = unwind(self._session.target, rules, registers, X86_64)
        if isinstance(found, Absent):
            return f"call frame information for guest {rip:#x}: {found}"
        if not found.return_address:
            return ""
        if found.cfa <= stack:
            return f"the frame at {found.cfa:#x} is not above the one that it called"
        caller = {**found.registers, "rsp": found.cfa - _SLOT}
        return self._returning(caller, found.cfa - _SLOT, found.return_address)

    def _returning(
        self, registers: Mapping[str, int], slot: int, address: int | None
    ) -> Mapping[str, int] | str:
        """The state after a return through the word at `slot`."""
        if address is None:
            return f"the stack at {slot:#x} cannot be read"
        bridge = bridge_at(self._session, address)
        if bridge is not None:
            return "the host called it" if not bridge else f"it returns into {bridge}"
        region = region_at(self._session, address)
        if region is None:
            return f"the return address {address:#x} is in no mapping"
        return {**registers, "rsp": slot + _SLOT, "rip": address}

    def _word(self, address: int) -> int | None:
        data = self._session.target.read_memory(address, _SLOT)
        return None if isinstance(data, Absent) else int.from_bytes(data, "little")

    def _rules(self, address: int) -> FrameRules | None:
        has_table = self._tables.has_table(address)
        found = rules_in_files(self._session, address, has_table=has_table)
        if found is None:
            found = self._tables.rules_at(address)
        return found if found is not None and found.return_register == AMD64_RETURN else None
