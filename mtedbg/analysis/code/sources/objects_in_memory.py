"""Code in an ELF file that lies in memory as a whole, in front of its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.mappings import is_anonymous, may_be_generated
from mtedbg.analysis.code.sources.foreign import place_of
from mtedbg.decode.code.objects_in_memory import ObjectsInMemory
from mtedbg.model.foreign_code import CodeSource, ForeignCode
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.session import Session


@once
def objects_in_memory(session: Session) -> ObjectsInMemory:
    """The files of the process, each looked for when it is asked about."""
    return ObjectsInMemory(session.target, is_anonymous)


def code_at(session: Session, pc: int) -> CodePlace | None:
    """The function at `pc`; None where it is in no such file."""
    if not may_be_generated(session, pc):
        return None
    found = objects_in_memory(session).at(pc)
    return None if found is None else place_of(pc, found)


def elsewhere(session: Session, pc: int) -> CodePlace | None:
    """That `pc` is in no such file, where there are some and it is in no memory for code.

    Else None: of memory for code nobody here can tell.
    """
    if may_be_generated(session, pc) or objects_in_memory(session).listed() is None:
        return None
    return place_of(pc, ForeignCode(CodeSource.OBJECT))
