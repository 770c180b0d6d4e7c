"""The host's call chain, by frame records: through translated code and signal handlers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import Symbolized, jit_place, region_at, symbolize
from mtedbg.dataclass import dataclass, field
from mtedbg.decode.stack.host_stack import frame_record, interrupted_registers, is_signal_return
from mtedbg.decode.stack.unwind import caller_of
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, present, then
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.code import Place
    from mtedbg.model.process import Thread
    from mtedbg.model.source import InlinedCall, SourceLine
    from mtedbg.session import Session

MOST = 64
"""Frames that are followed."""


class FrameKind(StrEnum):
    """How a frame was found."""

    HOST = "host"
    JIT = "jit"
    SIGNAL = "signal"
    INTERRUPTED = "interrupted"
    HYPOTHESIS = "guess"

    @property
    def returns(self) -> bool:
        """Whether the PC is a return address, where the frame is not the innermost."""
        return self in (FrameKind.HOST, FrameKind.HYPOTHESIS)


class How(StrEnum):
    """What a frame's PC and registers were taken from."""

    REGISTERS = "registers"
    CFI = "CFI"
    RECORD = "frame record"
    LINK = "link register"
    SIGNAL = "signal frame"
    RUNTIME = "runtime"


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
    """

    pc: int
    kind: FrameKind
    place: Symbolized
    how: How = How.REGISTERS
    source: SourceLine | Absent = NOT_APPLICABLE
    inlined: tuple[InlinedCall, ...] = ()
    registers: Mapping[str, int] = field(default_factory=dict)
    cfa: int | Absent = NOT_APPLICABLE

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
    """

    frames: tuple[HostFrame, ...]
    end: str = ""


@once
def host_calls(session: Session, thread: Thread) -> HostCalls | Absent:
    """The frames of `thread`, or why its registers cannot be had."""
    registers = session.target.registers(thread)
    if isinstance(registers, Absent):
        return registers
    walk = _Walk(session)
    found = [
        _frame(session, level, pc, kind) for level, (pc, kind) in enumerate(walk.frames(registers))
    ]
    return HostCalls(tuple(found), walk.end)


def _frame(session: Session, level: int, pc: int, kind: FrameKind) -> HostFrame:
    return HostFrame(pc, kind, symbolize(session, pc, after_call=kind.returns and level > 0))


class _Walk:
    """One walk up a stack; `end` says why it ended."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seen: set[int] = set()
        self.end = ""

    def frames(self, registers: Mapping[str, int]) -> Iterator[tuple[int, FrameKind]]:
        """The frames, the innermost first; at most `MOST`."""
        kind = FrameKind.HOST
        state: Mapping[str, int] | None = registers
        count = 0
        while state is not None and "pc" in state:
            pc = self._session.strip(state["pc"])
            jit = jit_place(self._session, pc)
            if kind is FrameKind.HOST:
                kind = self._kind(pc, in_jit=jit is not None)
            yield pc, kind
            if jit is None:
                innermost = count == 0 or kind is FrameKind.INTERRUPTED
                yield from self._link(state, pc) if innermost else ()
            count += 1
            if count == MOST:
                self.end = f"after {MOST} frames"
                return
            kind, state = self._caller(state, pc, jit)

    def _kind(self, pc: int, *, in_jit: bool) -> FrameKind:
        """What a frame is that no signal has interrupted."""
        if in_jit:
            return FrameKind.JIT
        return FrameKind.SIGNAL if is_signal_return(self._session.target, pc) else FrameKind.HOST

    def _link(self, state: Mapping[str, int], pc: int) -> Iterator[tuple[int, FrameKind]]:
        """Who called a function that has made no frame record of its own yet, perhaps."""
        link = self._session.strip(state.get("x30", 0))
        record = frame_record(self._session.target, self._session.strip(state.get("x29", 0)))
        recorded = then(record, lambda found: self._session.strip(found[1]))
        region = region_at(self._session, link)
        if link in (recorded, pc, 0) or region is None or "x" not in region.perms:
            return
        there = symbolize(self._session, link, after_call=True)
        if symbolize(self._session, pc).function != there.function:
            yield link, FrameKind.HYPOTHESIS

    def _caller(
        self, state: Mapping[str, int], pc: int, jit: tuple[Runtime, Place] | None
    ) -> tuple[FrameKind, Mapping[str, int] | None]:
        if jit is not None:
            return FrameKind.HOST, self._out_of_jit(state, *jit)
        frame = self._session.strip(state.get("x29", 0))
        if frame in self._seen:
            self.end = f"the frame record at {frame:#x} is its own caller"
            return FrameKind.HOST, None
        self._seen.add(frame)
        if is_signal_return(self._session.target, pc):
            found = interrupted_registers(self._session.target, frame)
            if found is not None:
                return FrameKind.INTERRUPTED, found
        record = frame_record(self._session.target, frame)
        if isinstance(record, Absent):
            self.end = str(record) if frame else "x29 is 0, which marks the outermost frame"
            return FrameKind.HOST, None
        if self._session.strip(record[1]) == 0:
            return FrameKind.HOST, None
        return FrameKind.HOST, {**state, "x29": record[0], "pc": record[1]}

    def _out_of_jit(
        self, state: Mapping[str, int], runtime: Runtime, place: Place
    ) -> Mapping[str, int] | None:
        try:
            caller = caller_of(runtime, place, state)
        except LayoutError as error:  # a runtime that does not tell keeps the ABI's records
            record = self._record(state)
            self.end = "" if record else error.message
            return record
        except KeyError as missing:
            self.end = f"register {missing} is not there"
            return None
        if isinstance(caller, Absent):
            self.end = str(caller)
            return None
        return caller

    def _record(self, state: Mapping[str, int]) -> Mapping[str, int] | None:
        frame = self._session.strip(state.get("x29", 0))
        record = frame_record(self._session.target, frame)
        if isinstance(record, Absent) or frame in self._seen:
            return None
        self._seen.add(frame)
        return {**state, "x29": record[0], "pc": record[1]}
