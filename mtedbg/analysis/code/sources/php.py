"""PHP's traces and whole functions, as opcache's JIT keeps them in its shared memory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import MOST, unknown_version
from mtedbg.analysis.code.mappings import is_anonymous, spans
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.jits import php
from mtedbg.decode.jits.php import Opcache, Trace, Traces
from mtedbg.decode.jits.php_frames import REGISTER, place_in
from mtedbg.decode.jits.php_functions import Compiled, Filled, Functions
from mtedbg.decode.jits.php_stubs import Stub
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes
from mtedbg.model.source import SourceLine
from mtedbg.model.words import counted

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.model.memory import Region
    from mtedbg.session import Session

NAMELESS = "(main)"
STUBS = "stubs"
NOT_DESCRIBED = "of its code traces, functions and stubs are described"


@dataclass(frozen=True, slots=True)
class Php:
    """The JIT of a process.

    Attributes:
        version: name and version for people.
        traces: its traces.
        functions: what it has compiled whole.
    """

    version: str
    traces: Traces
    functions: Functions

    def at(self, pc: int) -> ForeignCode | None:
        """The trace or function at `pc`; see `analysis/code/jits.py`."""
        if not self.traces.holds(pc):
            return None
        try:
            trace = self.traces.at(pc)
            if trace is not None:
                return self._of(trace)
            filled = self.functions.filled
            if filled.start <= pc < filled.stubs:
                return self._in_stubs(filled, pc)
            function = self.functions.at(pc)
        except HoleError as hole:
            return self._unknown(hole.why)
        if function is not None:
            return self._whole(function, pc)
        why = NOT_DESCRIBED
        if self.functions.is_cut:
            why = "not all of opcache's memory was searched for the function"
        return self._unknown(Absent(Reason.UNKNOWN, why))

    def _in_stubs(self, filled: Filled, pc: int) -> ForeignCode:
        """The stub at `pc`, else all of them."""
        known = self._stubs(filled)
        for one in known:
            if present(one.block) and one.block.start <= pc < one.block.end:
                return one
        # The table that tells where each one is lies in front of them.
        span = CodeSpan(filled.start, filled.stubs)
        return ForeignCode(CodeSource.PHP, block=span, kind=STUBS, version=self.version)

    def _stubs(self, filled: Filled) -> list[ForeignCode]:
        """Each stub; all of them as one where it cannot be told which is which."""
        try:
            return [*map(self._stub, self.functions.stubs)]
        except HoleError as hole:
            span = CodeSpan(filled.start, filled.stubs)
            return [self._nameless(span, hole.why, f"which stub it is: {hole.why}")]

    def _stub(self, stub: Stub) -> ForeignCode:
        span = CodeSpan(stub.start, stub.end)
        if len(stub.names) > 1:
            names = ", ".join(stub.names)
            return self._nameless(span, Absent(Reason.UNKNOWN, "which stub"), f"one of {names}")
        symbol = CodeSpan(stub.start, stub.end, stub.names[0])
        return ForeignCode(
            CodeSource.PHP,
            block=span,
            symbol=symbol,
            kind="stub",
            noun="stub",
            version=self.version,
        )

    def _nameless(self, span: CodeSpan, why: Absent, note: str) -> ForeignCode:
        """Stubs of which it is not known which they are."""
        return ForeignCode(
            CodeSource.PHP,
            block=span,
            symbol=why,
            notes=(note,),
            kind=STUBS,
            version=self.version,
        )

    def _whole(self, function: Compiled, pc: int | None = None) -> ForeignCode:
        name = function.name or NAMELESS
        span = CodeSpan(function.start, function.end)
        # In between the code of an instruction may be anywhere in its function.
        line = 0 if pc is None else function.entries.get(pc, 0)
        return ForeignCode(
            CodeSource.PHP,
            block=span,
            symbol=CodeSpan(function.start, function.end, name),
            notes=(f"the function begins at {function.file}:{function.line}",),
            kind="function",
            noun="function",
            function=name,
            line=SourceLine(function.file, line),
            version=self.version,
        )

    def _unknown(self, why: Absent) -> ForeignCode:
        return ForeignCode(CodeSource.PHP, block=why, version=self.version)

    def in_frame(self, pc: int, registers: Mapping[str, int]) -> ForeignCode | None:
        """The code with the line that its frame has; None where the frame tells of none."""
        if REGISTER not in registers or not self.traces.holds(pc):
            return None
        code = self.at(pc)
        if code is None or isinstance(code.block, Absent) or code.kind in ("stub", STUBS):
            return None
        opcache = self.traces.opcache
        place = place_in(opcache, opcache.words.strip(registers[REGISTER]))
        if place is None:
            return None
        name = place.function or NAMELESS
        # A trace goes through functions that it calls; a function that was compiled does not.
        if code.kind == "function" and name != code.function:
            return None
        notes = (*code.notes, "the line is that of the instruction that PHP has saved last")
        return replace(code, function=name, line=SourceLine(place.file, place.line), notes=notes)

    def blocks(self) -> ForeignCodes:
        """All traces, stubs and functions."""
        codes: list[ForeignCode] = []
        try:
            codes += map(self._of, self.traces.all)
            codes += self._stubs(self.functions.filled)
            codes += map(self._whole, self.functions.all)
        except HoleError as hole:
            return ForeignCodes(CodeSource.PHP, tuple(codes), str(hole.why), self.version)
        cut = "not all of opcache's memory was searched" if self.functions.is_cut else ""
        if len(codes) > MOST:
            cut = f"more than {MOST} traces and functions"
        return ForeignCodes(CodeSource.PHP, tuple(codes[:MOST]), cut, self.version)

    def _of(self, trace: Trace) -> ForeignCode:
        function: str | Absent = NOT_APPLICABLE
        line: SourceLine | Absent = NOT_APPLICABLE
        notes = [self._how(trace)]
        try:
            root = next((one for one in self.traces.all if one.number == trace.root), trace)
            place = self.traces.place(root)
        except HoleError as hole:
            place = None
            notes.append(f"its function cannot be read: {hole.why}")
        if place is not None:
            function = place.function or NAMELESS
            if root is trace:
                line = SourceLine(place.file, place.line)
            else:
                notes.append(f"trace {root.number} begins at {place.file}:{place.line}")
        span = CodeSpan(trace.start, trace.end)
        return ForeignCode(
            CodeSource.PHP,
            trace.number,
            span,
            CodeSpan(trace.start, trace.end, or_else(function, "")),
            tuple(notes),
            kind="root trace" if trace.root == trace.number else "side trace",
            noun="trace",
            function=function,
            line=line,
            version=self.version,
        )

    @staticmethod
    def _how(trace: Trace) -> str:
        begin = f"from trace {trace.parent}" if trace.parent else "a root"
        ends = f"goes on to trace {trace.link}" if trace.link else "returns to the interpreter"
        if trace.link == trace.number:
            ends = "loops"
        return f"{begin}, {counted(trace.exits, 'exit')}, {ends}"


def _code(session: Session) -> list[tuple[int, int]]:
    """Memory for code that is no file's; adjoining mappings of different names are not one."""
    regions = or_else(session.target.regions(), ())
    names = {one.name for one in regions if is_anonymous(one) and "x" in one.perms}
    return sorted(one for name in names for one in spans(session, partial(_is_code, name)))


def _is_code(name: str, region: Region) -> bool:
    return region.name == name and "x" in region.perms


def find(session: Session, mapped: MappedFile | None) -> Php | Absent:
    """The JIT of the opcache that is mapped.

    Args:
        session: the process.
        mapped: the extension; its folder is called by the API that it is of.
    """
    if mapped is None:
        return NOT_APPLICABLE
    api = PurePosixPath(mapped.path).parent.name
    if api not in php.LAYOUTS:
        return unknown_version(f"PHP of API {api}")
    version, layout = php.LAYOUTS[api]
    # The buffer is the end of opcache's memory, which is shared and has no other name; PCRE's code
    # may follow it.
    code = _code(session)
    before = spans(session, lambda one: is_anonymous(one) and one.perms.startswith("rw-"))
    starts, ends = {start for start, _ in code}, {end for _, end in before}
    shared = [one for one in before if one[1] in starts]
    buffers = [one for one in code if one[0] in ends]
    most = php.MOST_BYTES if session.info.is_dead else php.MOST_LIVE
    words = Words(session.target, session.info.pac_mask)
    opcache = Opcache(words, layout, shared, code, most)
    traces = Traces(opcache)
    return Php(f"PHP {version}", traces, Functions(replace(opcache, code=buffers), traces))
