"""The guest's call chain."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import TYPE_CHECKING

from mtedbg.analysis.code.guest_files import GuestPlace, guest_files, guest_place
from mtedbg.analysis.code.guest_programs import program_at
from mtedbg.analysis.code.source import rules_of
from mtedbg.analysis.stacks.guest_frame import guest_on, known_guest, parked_on
from mtedbg.analysis.stacks.walk import frame_tables
from mtedbg.dataclass import dataclass
from mtedbg.decode.demangle import demangled
from mtedbg.decode.stack.guest_calls import Unwinder
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.decode.stack.guest_calls import GuestCall
    from mtedbg.formats.dwarf.frame_rules import FrameRules
    from mtedbg.layout import Runtime
    from mtedbg.model.frame import Guest
    from mtedbg.model.guest_program import GuestProgram
    from mtedbg.model.guest_signal_frame import GuestSignalFrame
    from mtedbg.model.process import Thread
    from mtedbg.model.source import SourceLine
    from mtedbg.session import Session

_UNKNOWN = Absent(Reason.UNKNOWN)


@dataclass(frozen=True, slots=True)
class GuestLevel:
    """One level of the chain, as debuggers count them: what was inlined has its own.

    Attributes:
        rip: where it stands, or where it will go on.
        function: its name; absent where none is known.
        offset: how far into the function `rip` is; does not apply to what was inlined.
        line: of the source: of a call the call's.
        program: whose code it is; absent where none is known.
        block: the block with the function's translated code.
        inlined: whether the function's code stands within another's.
        hypothesis: whether the level was found by searching the stack.
    """

    rip: int | Absent
    function: str | Absent
    offset: int | Absent
    line: SourceLine | Absent
    program: GuestProgram | Absent
    block: int | Absent = NOT_APPLICABLE
    inlined: bool = False
    hypothesis: bool = False

    def __str__(self) -> str:
        """For people: "walk+0x8 at crash.c:14"; of a function without a name, `in_file`."""
        name = self.function if present(self.function) else self.in_file
        into = f"+{self.offset:#x}" if present(self.offset) and present(self.function) else ""
        return f"{name}{into}" + (f" at {self.line}" if present(self.line) else "")

    @property
    def in_file(self) -> str:
        """The program, and where in its file: "libc.so.6+0x16dcb6", as addr2line asks for it.

        Of memory of no file the program alone: its addresses are those of the run.
        """
        if isinstance(self.program, Absent):
            return "?"
        name, bias = self.program.name, self.program.bias
        if isinstance(self.rip, Absent) or not self.program.path:
            return name
        return f"{name}+{self.rip - bias:#x}"


@dataclass(frozen=True, slots=True)
class GuestCalls:
    """The call chain of a guest thread.

    Attributes:
        runtime: whose guest it is.
        guest: the guest thread.
        levels: its calls, the innermost first.
        end: why they end.
        signals: the signal frames among them, the innermost first.
    """

    runtime: Runtime
    guest: Guest
    levels: tuple[GuestLevel, ...]
    end: str
    signals: tuple[GuestSignalFrame, ...] = ()


@once
def guest_calls(session: Session, thread: Thread) -> GuestCalls | Absent:
    """The call chain of the guest thread that `thread` runs; does not apply where it runs none.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    found = guest_on(session, thread)
    return then(found.guest, partial(_calls, session, found.runtime))


@once
def parked_calls(session: Session, thread: Thread) -> tuple[GuestCalls, ...]:
    """The calls of each guest thread that waits for its turn on `thread`; raises as that."""
    return tuple(_calls(session, runtime, guest) for runtime, guest in parked_on(session, thread))


def all_known_calls(session: Session, thread: Thread) -> tuple[GuestCalls, ...]:
    """The calls of the guest thread that `thread` runs, else of those that wait on it.

    None where no runtime can tell; never raises.
    """
    try:
        found = guest_calls(session, thread)
        return parked_calls(session, thread) if isinstance(found, Absent) else (found,)
    except MtedbgError:
        return ()


def known_guest_calls(session: Session, thread: Thread) -> GuestCalls | Absent:
    """The same, where a runtime can tell; never raises."""
    guest = known_guest(session, thread)
    if isinstance(guest, Absent):
        return guest
    try:
        return guest_calls(session, thread)
    except MtedbgError as error:
        return Absent(Reason.DAMAGED, error.message)


def _calls(session: Session, runtime: Runtime, guest: Guest) -> GuestCalls:
    chain = Unwinder(runtime, cache(partial(_rules, session))).chain(guest)
    levels = [level for call in chain.calls for level in _levels(session, call)]
    return GuestCalls(runtime, guest, tuple(levels), chain.end, chain.signals)


def _levels(session: Session, call: GuestCall) -> Iterator[GuestLevel]:
    """The level of a call, after those of what was inlined there."""
    found = GuestPlace() if call.place is None else guest_place(session, call.place)
    program = None if call.place is None else program_at(session, call.place)
    whose = program or _UNKNOWN
    source = or_else(found.source, None)
    for one in source.inlined if source else ():
        yield GuestLevel(
            call.rip,
            one.function,
            NOT_APPLICABLE,
            one.source or _UNKNOWN,
            whose,
            inlined=True,
            hypothesis=call.hypothesis,
        )
    name, offset = call.name, call.offset
    if present(found.symbol) and call.place is not None and isinstance(call.rip, int):
        offset = found.symbol.offset + call.rip - call.place
        # Debug information has the name that the source has: a piece of a function is the function.
        name = (source.function if source else "") or found.symbol.name
    elif present(name):
        name = demangled(name)
    line = (source.source if source else None) or _UNKNOWN
    yield GuestLevel(call.rip, name, offset, line, whose, call.block, hypothesis=call.hypothesis)


def _rules(session: Session, address: int) -> FrameRules | None:
    """Call frame information of a guest's, by the files of its image, else by memory."""
    tables = frame_tables(session)
    files = guest_files(session, address)
    found = rules_of(session, files, address, has_table=tables.has_table(address))
    return tables.rules_at(address) if found is None else found
