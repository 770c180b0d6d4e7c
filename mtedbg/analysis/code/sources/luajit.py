"""LuaJIT: its traces, with the functions and lines of the script that they were recorded in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import MOST, unknown_version
from mtedbg.analysis.code.mappings import is_anonymous, said_in, spans
from mtedbg.decode.jits import luajit
from mtedbg.decode.jits.luajit import Proto, Trace, Traces
from mtedbg.decode.pages import Pages
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes
from mtedbg.model.source import SourceLine
from mtedbg.model.words import counted

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

SYMBOL = "luaJIT_setmode"
_SERIES = "2.1"
"""What the layout is of; where its own words cannot be read nothing more is said."""
_PROGRAM = "luajit"
_A_LITTLE = 32 << 20
"""Bytes that are searched where nothing tells that LuaJIT is in the process."""
_CUT = "not all of memory was searched for Lua states"
_MOST_TEXT = 16 << 20
"""Bytes of its file that are searched for its version."""


class LuaJit:
    """LuaJIT in a process.

    Args:
        session: the process.
        mapped: its library, or the program that has it; None where a symbol alone tells of it.
        most: bytes of memory that are searched for its states.
    """

    def __init__(
        self, session: Session, mapped: MappedFile | None, most: int = luajit.MOST_BYTES
    ) -> None:
        self._session = session
        self._mapped = mapped
        self._traces = Traces(Pages(session.target).read, heaps(session), most)

    @cached_property
    def version(self) -> str:
        """As its own words have it."""
        said = ""
        if self._mapped is not None:
            said = said_in(self._session, self._mapped, luajit.VERSION, _MOST_TEXT)
        return f"LuaJIT {said or _SERIES}"

    def has_traces(self) -> bool:
        """Whether there is a trace of the layout that is known."""
        return bool(self._traces.all())

    def at(self, pc: int) -> ForeignCode | None:
        """The trace and the line at `pc`; see `Jit`."""
        trace = self._traces.at(pc)
        if trace is not None:
            return self._code(trace, pc)
        notes = (_CUT,) if self._traces.is_cut else ()
        if not self._traces.states:
            hole = unknown_version(self.version)
        elif self._traces.is_cut:
            hole, notes = Absent(Reason.UNKNOWN, _CUT), ()
        elif self._traces.unfit:
            hole = Absent(Reason.UNKNOWN, self._unread)
        else:
            return None
        return ForeignCode(CodeSource.LUAJIT, block=hole, version=self.version, notes=notes)

    @property
    def _unread(self) -> str:
        return f"{counted(self._traces.unfit, 'trace')} cannot be read"

    def blocks(self) -> ForeignCodes:
        """All traces; see `Jit`."""
        found = sorted(self._traces.all(), key=lambda one: one.number)
        cut = f"more than {MOST} traces" if len(found) > MOST else ""
        if self._traces.is_cut:
            cut = _CUT
        notes = (self._unread,) if self._traces.unfit else ()
        codes = tuple(self._code(one, None) for one in found[:MOST])
        return ForeignCodes(CodeSource.LUAJIT, codes, cut, self.version, notes)

    def unwind(self, pc: int, registers: Mapping[str, int]) -> Mapping[str, int] | None:
        """The caller's registers; see `Unwinder`."""
        read = Pages(self._session.target).read
        return luajit.caller_of(read, registers) if self._traces.at(pc) is not None else None

    def _code(self, trace: Trace, pc: int | None) -> ForeignCode:
        proto = self._traces.proto(trace.prototype)
        name = "" if proto is None else _at(proto, trace.bytecode)
        number = None if pc is None else trace.exit_at(pc)
        begin = _function(proto) if proto is not None else NOT_APPLICABLE
        line: SourceLine | Absent = NOT_APPLICABLE
        notes = [_how(trace)]
        symbol: CodeSpan | Absent = NOT_APPLICABLE
        function: str | Absent = begin
        if pc is None:
            line = _line(proto, trace.bytecode)
        elif pc >= trace.end:
            taken = trace.stub_at(pc)
            symbol = CodeSpan(trace.end, trace.limit, f"exits of trace {trace.number}")
            notes.append(
                "saves registers for an exit" if taken is None else f"leaves by exit {taken}"
            )
        else:
            start, end = trace.part(number)
            symbol = CodeSpan(start, end, f"trace {trace.number} from {name}" if name else "")
            function, line, note = self._source(trace, number)
            function = function if present(function) else begin
            notes += [note] if note else []
            if number is not None:
                notes.append(f"exit {number} of {len(trace.exits)}")
        return ForeignCode(
            CodeSource.LUAJIT,
            trace.number,
            CodeSpan(trace.start, trace.limit),
            symbol,
            tuple(notes),
            kind="side trace" if trace.root else "root trace",
            noun="trace",
            function=function,
            line=line,
            version=self.version,
        )

    def _source(
        self, trace: Trace, number: int | None
    ) -> tuple[str | Absent, SourceLine | Absent, str]:
        """The function and the lines that code between two snapshots is of, and what to say of it.

        Between them is all that was recorded from the instruction of the one to that of the next.
        """
        first = trace.bytecode if number is None else trace.exits[number].bytecode
        proto = self._traces.proto_at(trace, first)
        if proto is None:
            return NOT_APPLICABLE, NOT_APPLICABLE, ""
        after = 0 if number is None else number + 1
        following = trace.exits[after].bytecode if after < len(trace.exits) else None
        begin = proto.line_at(first)
        if following is None or not first < following < proto.end:
            then = self._traces.proto_at(trace, following) if following is not None else None
            rest = f", up to {_at(then, following)}" if then and following is not None else ""
            exact = following is not None and following == first
            note = "" if exact else f"of {_at(proto, first)} or what follows it{rest}"
            return _function(proto), _line(proto, first), note
        lines = [proto.line_at(at) for at in range(first, following, 4)]
        low, high = min(lines, default=begin), max(lines, default=begin)
        if not low:
            return _function(proto), NOT_APPLICABLE, ""
        line = SourceLine(proto.file, low, high if high > low else 0)
        return _function(proto), line, ""


def find(session: Session, mapped: MappedFile | None) -> LuaJit | Absent:
    """LuaJIT as it is in the process; does not apply where nothing tells that it is in it."""
    if mapped is None:
        program = PurePosixPath(session.info.executable).name
        exported = present(session.target.symbol_address(SYMBOL))
        if not exported and not program.startswith(_PROGRAM):
            found = LuaJit(session, mapped, _A_LITTLE)
            return found if found.has_traces() else NOT_APPLICABLE
    return LuaJit(session, mapped)


def heaps(session: Session) -> list[tuple[int, int]]:
    """Where Lua states may be: writable memory that is no file's."""
    return spans(session, _may_have_states)


def _may_have_states(region: Region) -> bool:
    is_writable = "?" in region.perms or region.perms.startswith("rw-")
    return is_writable and (is_anonymous(region) or region.name == "[heap]")


def _function(proto: Proto) -> str:
    """Lua's functions have no names: the place where they begin stands for them."""
    return f"{_name(proto)}:{proto.first_line}"


def _name(proto: Proto) -> str:
    """The file without its folder, as LuaJIT's own list of traces has it."""
    return proto.file.rpartition("/")[2]


def _at(proto: Proto, bytecode: int) -> str:
    line = proto.line_at(bytecode)
    return f"{_name(proto)}:{line}" if line else _name(proto)


def _line(proto: Proto | None, bytecode: int) -> SourceLine | Absent:
    line = proto.line_at(bytecode) if proto is not None else 0
    return SourceLine(proto.file, line) if proto is not None and line else NOT_APPLICABLE


def _how(trace: Trace) -> str:
    """Where it comes from and goes to."""
    parent, number = trace.parent
    begin = f"from exit {number} of trace {parent}" if trace.root else "a root"
    if trace.link and trace.link != trace.number:
        return f"{begin}, goes on to trace {trace.link}"
    return f"{begin}, ends as {trace.link_kind}"
