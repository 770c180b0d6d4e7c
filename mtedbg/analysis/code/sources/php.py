"""PHP's traces, as opcache's JIT keeps them in its shared memory."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import MOST, unknown_version
from mtedbg.analysis.code.mappings import is_anonymous
from mtedbg.dataclass import dataclass
from mtedbg.decode.jits import php
from mtedbg.decode.jits.php import Trace, Traces
from mtedbg.decode.jits.words import HoleError, Words
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes
from mtedbg.model.source import SourceLine
from mtedbg.model.words import counted

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.session import Session

NAMELESS = "(main)"


@dataclass(frozen=True, slots=True)
class Php:
    """The JIT of a process.

    Attributes:
        version: name and version for people.
        traces: its traces.
    """

    version: str
    traces: Traces

    def at(self, pc: int) -> ForeignCode | None:
        """The trace at `pc`; see `analysis/code/jits.py`."""
        if not self.traces.holds(pc):
            return None
        try:
            trace = self.traces.at(pc)
        except HoleError as hole:
            return self._unknown(hole.why)
        if trace is None:
            return self._unknown(Absent(Reason.UNKNOWN, "of its code only traces are described"))
        return self._of(trace)

    def _unknown(self, why: Absent) -> ForeignCode:
        return ForeignCode(CodeSource.PHP, block=why, version=self.version)

    def blocks(self) -> ForeignCodes:
        """All traces."""
        try:
            known = self.traces.all
        except HoleError as hole:
            return ForeignCodes(CodeSource.PHP, cut=str(hole.why), version=self.version)
        cut = f"more than {MOST} traces" if len(known) > MOST else ""
        codes = tuple(map(self._of, known[:MOST]))
        return ForeignCodes(CodeSource.PHP, codes, cut, self.version)

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
    shared: list[tuple[int, int]] = []
    code: list[tuple[int, int]] = []
    before: list[tuple[int, int]] = []
    for region in or_else(session.target.regions(), ()):
        # The buffer is the end of opcache's memory, which is shared and has no other name.
        if not is_anonymous(region) or (before and before[-1][1] != region.start):
            before = []
        if not is_anonymous(region):
            continue
        if "x" in region.perms:
            code.append((region.start, region.end))
            shared += before
            before = []
        elif region.perms.startswith("rw"):
            before.append((region.start, region.end))
    most = php.MOST_BYTES if session.info.is_dead else php.MOST_LIVE
    words = Words(session.target, session.info.pac_mask)
    return Php(f"PHP {version}", Traces(words, layout, shared, code, most))
