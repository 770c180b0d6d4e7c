"""Lines of source by LLDB's own tables."""

from __future__ import annotations

import lldb

from mtedbg.decode.demangle import demangled
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.source import InlinedCall, SourceLine, SourcePlace

_MOST_INLINED = 64


def source_at(address: lldb.SBAddress) -> SourcePlace | Absent:
    """The line of an instruction, and the functions that were inlined there."""
    entry = address.GetLineEntry()
    if not entry.IsValid() or not entry.GetLine():
        return Absent(Reason.UNKNOWN, "no debug information")
    line = _line(entry.GetFileSpec(), entry.GetLine())
    inlined: list[InlinedCall] = []
    block = address.GetBlock().GetContainingInlinedBlock()
    while block.IsValid() and len(inlined) < _MOST_INLINED:
        inlined.append(InlinedCall(_name(block.GetInlinedName()), line))
        line = _line(block.GetInlinedCallSiteFile(), block.GetInlinedCallSiteLine())
        block = block.GetParent().GetContainingInlinedBlock()
    function = address.GetFunction()
    name = function.GetMangledName() or function.GetName() or ""
    return SourcePlace(demangled(str(name)), line, tuple(inlined))


def _name(name: str | None) -> str:
    """LLDB has demangled it, with parameters."""
    text = name or ""
    return text.split("(", 1)[0] if not text.startswith("(") else text


def _line(file: lldb.SBFileSpec, line: int) -> SourceLine | None:
    path = "/".join(filter(None, (file.GetDirectory(), file.GetFilename())))
    return SourceLine(path, int(line)) if path and line else None
