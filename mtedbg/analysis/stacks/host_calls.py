"""The host's call chain, by frame records: through translated code and signal handlers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import HOST, describe, jit_place, region_at, symbol_or_offset
from mtedbg.decode.stack.host_stack import frame_record, interrupted_registers, is_signal_return
from mtedbg.decode.stack.unwind import caller_of
from mtedbg.errors import LayoutError
from mtedbg.model.absent import Absent
from mtedbg.report import Column, Kind, Line, Report, Row, Span, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

COLUMNS = (
    Column("level", Kind.COUNT, "0 is the innermost"),
    Column("pc", Kind.ADDRESS, "where it is, or where it goes on"),
    Column("kind", Kind.TEXT, '"host", "jit", "signal" frame, "interrupted" by it, or a "guess"'),
    Column("function", Kind.TEXT, "what that lies in"),
    Column("file", Kind.TEXT, "the file that is mapped there"),
)
MOST = 64
JIT, INTERRUPTED, GUESS, SIGNAL = "jit", "interrupted", "guess", "signal"


@dataclass(frozen=True, slots=True)
class _Frame:
    pc: int
    kind: str

    @property
    def returns(self) -> bool:
        """Whether the PC is behind a call, if it is not the innermost frame's."""
        return self.kind in (HOST, GUESS)


def host_calls(session: Session) -> Report:
    """The frames of the session's thread."""
    registers = session.target.registers(session.thread())
    if isinstance(registers, Absent):
        return flat("host-calls", session.info, COLUMNS, notes=(f"registers: {registers}",))
    walk = _Walk(session)
    frames = list(walk.frames(registers))
    rows = tuple(_row(session, level, frame) for level, frame in enumerate(frames))
    picture = tuple(_draw(row) for row in rows)
    notes = [f"the chain ends: {walk.end}"] if walk.end else []
    if any(frame.kind == GUESS for frame in frames):
        notes.append("a guess is x30, which may be left from an earlier call")
    return flat("host-calls", session.info, COLUMNS, rows, tuple(notes), picture, listing=True)


class _Walk:
    """One walk up a stack; `end` says why it ended."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seen: set[int] = set()
        self.end = ""

    def frames(self, registers: Mapping[str, int]) -> Iterator[_Frame]:
        """The frames, the innermost first; at most `MOST`."""
        kind = HOST
        state: Mapping[str, int] | None = registers
        count = 0
        while state is not None and "pc" in state:
            pc = self._session.strip(state["pc"])
            in_jit = jit_place(self._session, pc) is not None
            if kind == HOST:
                kind = self._kind(pc, in_jit=in_jit)
            yield _Frame(pc, kind)
            if not in_jit:
                innermost = count == 0 or kind == INTERRUPTED
                yield from self._link(state, pc) if innermost else ()
            count += 1
            if count == MOST:
                self.end = f"after {MOST} frames"
                return
            kind, state = self._caller(state, pc, in_jit=in_jit)

    def _kind(self, pc: int, *, in_jit: bool) -> str:
        """What a frame is that no signal has interrupted."""
        if in_jit:
            return JIT
        return SIGNAL if is_signal_return(self._session.target, pc) else HOST

    def _link(self, state: Mapping[str, int], pc: int) -> Iterator[_Frame]:
        """Who called a function that has made no frame record of its own yet, perhaps."""
        link = self._session.strip(state.get("x30", 0))
        record = frame_record(self._session.target, self._session.strip(state.get("x29", 0)))
        recorded = None if isinstance(record, Absent) else self._session.strip(record[1])
        region = region_at(self._session, link)
        if link in (recorded, pc, 0) or region is None or "x" not in region.perms:
            return
        there = symbol_or_offset(self._session, link, behind_call=True)
        if symbol_or_offset(self._session, pc) != there:
            yield _Frame(link, GUESS)

    def _caller(
        self, state: Mapping[str, int], pc: int, *, in_jit: bool
    ) -> tuple[str, Mapping[str, int] | None]:
        if in_jit:
            return HOST, self._out_of_jit(state, pc)
        frame = self._session.strip(state.get("x29", 0))
        if frame in self._seen:
            self.end = f"the frame record at {frame:#x} is its own caller"
            return HOST, None
        self._seen.add(frame)
        if is_signal_return(self._session.target, pc):
            found = interrupted_registers(self._session.target, frame)
            if found is not None:
                return INTERRUPTED, found
        record = frame_record(self._session.target, frame)
        if isinstance(record, Absent):
            self.end = str(record) if frame else "x29 is 0, as the ABI has it in the outermost"
            return HOST, None
        if self._session.strip(record[1]) == 0:
            return HOST, None
        return HOST, {**state, "x29": record[0], "pc": record[1]}

    def _out_of_jit(self, state: Mapping[str, int], pc: int) -> Mapping[str, int] | None:
        found = jit_place(self._session, pc)
        assert found is not None
        try:
            caller = caller_of(*found, state)
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


def _row(session: Session, level: int, frame: _Frame) -> Row:
    region = region_at(session, frame.pc)
    return {
        "level": level,
        "pc": frame.pc,
        "kind": frame.kind,
        "function": describe(session, frame.pc, behind_call=frame.returns and level > 0),
        "file": region.name if region else "",
    }


def _draw(row: Row) -> Line:
    kind = "" if row["kind"] == HOST else f"  ({row['kind']})"
    return (
        Span(f"#{row['level']:<3} ", "heading"),
        Span(f"{row['pc']:#x}  ", "address"),
        Span(str(row["function"])),
        Span(kind, "mark" if row["kind"] == GUESS else "dim"),
    )
