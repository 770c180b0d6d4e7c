"""The code of JITs without a debug root, where GDB is in the middle of unwinding.

Which JITs are in the program is found out when GDB asks whether frames are to be named, before a
backtrace: names, mappings and symbols may be asked for then. Later, while GDB unwinds, memory alone
is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import gdb

from mtedbg.adapters.debugger.memory_alone import MemoryAlone
from mtedbg.dataclass import dataclass, field
from mtedbg.model.absent import Absent, Reason
from mtedbg.session import Session

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.model.memory import Region


@dataclass
class _Learned:
    """What is known of one inferior at one stop."""

    session: Session
    symbols: dict[str, int | Absent] = field(default_factory=dict)
    learning: bool = False

    def symbol(self, name: str) -> int | Absent:
        """The address of a symbol; asked of GDB only where that is no harm."""
        if name not in self.symbols and self.learning:
            try:
                self.symbols[name] = int(gdb.parse_and_eval(f"(unsigned long)&{name}"))
            except (gdb.error, TypeError):
                self.symbols[name] = Absent(Reason.UNKNOWN)
        return self.symbols.get(name, Absent(Reason.UNKNOWN))


_known: dict[object, _Learned] = {}


def _identity(inferior: gdb.Inferior) -> object:
    connection = inferior.connection
    return inferior.num, inferior.pid, connection.num if connection else None


def learn() -> bool:
    """Whether the selected inferior has code of such JITs; not to be asked while GDB unwinds."""
    inferior = gdb.selected_inferior()
    identity = _identity(inferior)
    if not inferior.pid and not inferior.threads():
        return False
    if identity not in _known:
        _known[identity] = _learned(inferior)
        if _has_code(_known[identity].session):
            gdb.invalidate_cached_frames()
    return _has_code(_known[identity].session)


def _learned(inferior: gdb.Inferior) -> _Learned:
    from mtedbg.adapters.gdb.sources import source_of
    from mtedbg.analysis.code.jits import jits

    connection = inferior.connection
    dead = connection is not None and connection.type == "core"
    regions: Sequence[Region] | Absent = source_of(inferior, inferior_reads=False).regions()

    def read(address: int, length: int) -> bytes | None:
        try:
            return bytes(inferior.read_memory(address, length))
        except gdb.error:
            return None

    made: _Learned

    def symbol(name: str) -> int | Absent:
        return made.symbol(name)

    root = Absent(Reason.NO_RUNTIME)
    target = MemoryAlone(read, root, dead=dead, regions=regions, symbol=symbol)
    made = _Learned(Session(target))
    made.learning = True
    try:
        jits(made.session)
        if not isinstance(made.session.jit_objects, Absent):
            made.session.jit_objects.at(0)
    finally:
        made.learning = False
    return made


def _has_code(session: Session) -> bool:
    from mtedbg.analysis.code.mappings import has_generated

    return has_generated(session)


def place_of(pc: int, *, after_call: bool) -> CodePlace | None:
    """What holds `pc`; None where it is in no code of such a JIT, or nothing was learned yet.

    Args:
        pc: of a frame, without tag and PAC bits.
        after_call: whether it is a return address.
    """
    known = _known.get(_identity(gdb.selected_inferior()))
    if known is None:
        return None
    from mtedbg.analysis.code.symbolize import foreign_place

    return foreign_place(known.session, pc - 1 if after_call and pc else pc)


def caller_of(
    pc: int, registers: Mapping[str, int], *, after_call: bool
) -> Mapping[str, int] | Absent | None:
    """The registers of whoever called code at `pc`; None where there is nothing to go by."""
    known = _known.get(_identity(gdb.selected_inferior()))
    if known is None:
        return None
    from mtedbg.analysis.stacks.foreign_frames import caller_registers

    return caller_registers(known.session, pc, registers, after_call=after_call)


def _forget(_event: object) -> None:
    _known.clear()


for _events in (
    gdb.events.cont,
    gdb.events.exited,
    gdb.events.new_objfile,
    gdb.events.clear_objfiles,
    gdb.events.memory_changed,
):
    _events.connect(_forget)
