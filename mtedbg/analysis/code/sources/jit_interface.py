"""Code that JITs have registered by GDB's JIT interface: objects in their memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.sources.foreign import place_of
from mtedbg.model.absent import Absent
from mtedbg.model.foreign_code import CodeSource, ForeignCode

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.session import Session


def code_at(session: Session, pc: int) -> CodePlace | None:
    """The object and symbol at `pc`; None where the process has no such interface."""
    objects = session.jit_objects
    if not isinstance(objects, Absent):
        found = objects.at(pc)
    elif objects.is_hole:
        found = ForeignCode(CodeSource.JIT_INTERFACE, block=objects)
    else:
        return None
    return place_of(pc, found, "ELF object", "object")
