"""The calls of the host that a thread is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.code.in_frame import symbolize_frame
from mtedbg.analysis.code.source import debug_remarks, source_place
from mtedbg.analysis.code.symbolize import Symbolized
from mtedbg.analysis.stacks.walk import MOST, Found, FrameKind, How, Walk
from mtedbg.dataclass import dataclass, field
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present, then
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.model.source import InlinedCall, SourceLine, SourcePlace
    from mtedbg.session import Session

__all__ = ["MOST", "FrameKind", "HostCalls", "HostFrame", "How", "host_calls"]


@dataclass(frozen=True, slots=True)
class HostFrame:
    """One frame of the host's call chain.

    Attributes:
        pc: where it is, or where it goes on; without PAC bits.
        kind: translated code, a signal handler's return, what a signal interrupted, a call that x30
            alone speaks for, or any other.
        place: what the PC is in; a return address is of the call before it.
        how: what the PC was taken from.
        source: the line of source that the PC is of, in the function that was not inlined.
        inlined: functions that were inlined there, the innermost first.
        registers: those of this frame that are known, by name: pc, and where they could be
            restored sp, x19 to x30; all of the innermost and of an interrupted one.
        cfa: the canonical frame address (DWARF 5, 6.4): sp before the call that entered it.
        after_call: whether the PC is a return address: the call before it may be another place's.
    """

    pc: int
    kind: FrameKind
    place: Symbolized
    how: How = How.REGISTERS
    source: SourceLine | Absent = NOT_APPLICABLE
    inlined: tuple[InlinedCall, ...] = ()
    registers: Mapping[str, int] = field(default_factory=dict)
    cfa: int | Absent = NOT_APPLICABLE
    after_call: bool = False

    @property
    def function(self) -> str:
        """What the PC is in, in words."""
        return str(self.place)

    @property
    def file(self) -> str:
        """The file or pseudo name that is mapped there; empty where none is."""
        return self.place.region.name if present(self.place.region) else ""


@dataclass(frozen=True, slots=True)
class HostCalls:
    """The host's call chain of one thread.

    Attributes:
        frames: the innermost first, at most `MOST` and the hypotheses between them.
        end: why the chain ends, in words; empty where the outermost frame says that it is that.
        remarks: what is to be said of the debug information of its frames.
    """

    frames: tuple[HostFrame, ...]
    end: str = ""
    remarks: tuple[str, ...] = ()


@once
def host_calls(session: Session, thread: Thread) -> HostCalls | Absent:
    """The frames of `thread`, or why its registers cannot be had."""
    registers = session.target.registers(thread)
    if isinstance(registers, Absent):
        return registers
    return calls_from(session, registers)


def calls_from(session: Session, registers: Mapping[str, int], *, lines: bool = True) -> HostCalls:
    """The frames that led to a state of the registers: to a fault, as its handler was told.

    Args:
        session: where.
        registers: that state.
        lines: whether lines of source and inlined functions are looked up: they take longest.
    """
    walk = Walk(session)
    frames = [
        _frame(session, level, found, lines) for level, found in enumerate(walk.frames(registers))
    ]
    return HostCalls(tuple(frames), walk.end, debug_remarks(session) if lines else ())


def _frame(session: Session, level: int, found: Found, lines: bool) -> HostFrame:
    after_call = found.returns and level > 0
    # What has call frame information is a compiler's: no interpreter's frame.
    registers = {} if present(found.cfa) else found.registers
    place = symbolize_frame(session, found.pc, registers, after_call=after_call)
    known: SourcePlace | Absent = NOT_APPLICABLE
    if lines:
        known = source_place(session, found.pc - 1 if after_call else found.pc)
    return HostFrame(
        found.pc,
        found.kind,
        place,
        found.how,
        then(known, lambda one: one.source or Absent(Reason.UNKNOWN)),
        known.inlined if present(known) else (),
        found.registers,
        found.cfa,
        after_call,
    )
