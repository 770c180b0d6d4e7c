"""PyPy's compiled traces, by the map that it keeps for profilers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import MOST, unknown_version
from mtedbg.analysis.code.mappings import may_be_generated, spans
from mtedbg.analysis.code.searched import searched
from mtedbg.dataclass import dataclass
from mtedbg.decode.jits import pypy
from mtedbg.decode.jits.words import Words
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.foreign_code import CodeSource, CodeSpan, ForeignCode, ForeignCodes
from mtedbg.model.source import SourceLine

if TYPE_CHECKING:
    from mtedbg.analysis.code.mappings import MappedFile
    from mtedbg.session import Session

_SAYS = re.compile(rb"PyPy ([0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3})(?:-[a-z0-9]+)? with ")
_NAME = re.compile(r"libpypy([0-9.]*)-c\.so")
_MOST_SAID = 1 << 27
NOT_DESCRIBED = "it is in no trace: it may be a part of PyPy's own that traces call"


@dataclass(frozen=True, slots=True)
class PyPy:
    """The traces of a process.

    Attributes:
        version: name and version for people.
        traces: where they are.
        session: the process.
    """

    version: str
    traces: pypy.Traces
    session: Session

    def at(self, pc: int) -> ForeignCode | None:
        """The trace at `pc`; see `analysis/code/jits.py`."""
        if not may_be_generated(self.session, pc):
            return None
        found = self.traces.at(pc)
        if found is not None:
            return self._of(found, pc)
        why = Absent(Reason.UNKNOWN, NOT_DESCRIBED)
        limits = tuple(filter(None, [self.traces.limit]))
        return ForeignCode(CodeSource.PYPY, block=why, notes=limits, version=self.version)

    def blocks(self) -> ForeignCodes:
        """All traces."""
        found = self.traces.all()
        cut = f"more than {MOST} traces" if len(found) >= MOST else self.traces.limit
        codes = tuple(self._of(one, None) for one in found)
        notes = ("`jit-block ADDRESS` tells the function of one",) if codes else ()
        return ForeignCodes(CodeSource.PYPY, codes, cut, self.version, notes)

    def unwind(self, pc: int, registers: Mapping[str, int]) -> Mapping[str, int] | Absent:
        """The caller's registers; see `analysis/code/jits.py`."""
        if "sp" in registers:
            found = self.traces.unwound(registers)
            if found is not None:
                return found
        return Absent(Reason.UNKNOWN, f"{self.version}: no frame of a trace is at {pc:#x}")

    def _of(self, found: pypy.Trace, pc: int | None) -> ForeignCode:
        functions = [] if pc is None else self.traces.functions(found, pc)
        name, line = "", None
        notes: list[str] = []
        if functions:
            name, line = functions[0].name, SourceLine(functions[0].file, 0)
            notes.append(f"the function begins at {functions[0].file}:{functions[0].line}")
            notes += [f"inlined into {one.name} of {one.file}" for one in functions[1:]]
        return ForeignCode(
            CodeSource.PYPY,
            block=CodeSpan(found.start, found.end),
            symbol=CodeSpan(found.start, found.end, name),
            notes=tuple(notes),
            kind="trace",
            noun="trace",
            function=name or NOT_APPLICABLE,
            line=NOT_APPLICABLE if line is None else line,
            version=self.version,
        )


def find(session: Session, mapped: MappedFile | None) -> PyPy | Absent:
    """The traces of the library that is mapped.

    Args:
        session: the process.
        mapped: the library.
    """
    named = None if mapped is None else _NAME.fullmatch(mapped.name)
    if mapped is None or named is None:
        return NOT_APPLICABLE
    words = Words(session.target, session.info.pac_mask)
    said = _said(session, mapped, words)
    form = pypy.FORMS.get(f"{named[1]} {said}")
    version = f"PyPy {said}".rstrip()
    if form is None:
        return unknown_version(f"{version} of Python {named[1]}")
    return PyPy(version, pypy.Traces(searched(session, words), form), session)


def _said(session: Session, mapped: MappedFile, words: Words) -> str:
    """Its version, which is a text among the library's variables; empty where it is not found."""
    left = _MOST_SAID
    variables = spans(session, lambda one: one.name == mapped.path and one.perms.startswith("rw"))
    for start, end in variables:
        for piece, data in words.pieces(start, min(end, start + left)):
            if (found := _SAYS.search(data)) is not None:
                return words.bytes(piece + found.start(1), len(found[1])).decode("ascii")
        left -= min(left, end - start)
    return ""
