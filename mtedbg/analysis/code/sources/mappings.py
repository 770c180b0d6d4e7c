"""Executable memory of no file, where nobody knows of any code: somebody has made code there.

It may be that of a JIT without a reader (Ruby, .NET), a trampoline, or where a core does not tell
which files are mapped, code of a file. Nobody can say that it is not a JIT's. What is known is
said: what the memory is called, and who in the process is known to make code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.makers import makers
from mtedbg.analysis.code.mappings import mapping_of, may_be_generated
from mtedbg.analysis.code.sources.foreign import place_of
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.foreign_code import CodeSource, ForeignCode

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.session import Session

_WHY = "no file is known in its executable memory, and no JIT that is known has it"
_MOST_MAKERS = 3


def code_at(session: Session, pc: int) -> CodePlace | None:
    """That nobody can tell whose code is at `pc`; None where it is in a file, or in no code."""
    region = mapping_of(session, pc)
    if isinstance(region, Absent) or not may_be_generated(session, pc):
        return None
    if present(session.target.symbol_at(pc)):
        return None
    notes = [f"the memory is called {region.name}"] if region.name else []
    makers_here = makers(session)[:_MOST_MAKERS]
    if makers_here:
        notes.append(f"in the process, and known to make code: {', '.join(makers_here)}")
    why = Absent(Reason.UNKNOWN, _WHY)
    return place_of(pc, ForeignCode(CodeSource.MAPPINGS, block=why, notes=tuple(notes)))
