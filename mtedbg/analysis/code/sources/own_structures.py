"""Code that a JIT knows of in structures of its own, which are read as they are in its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.jits import foreign_at, jits
from mtedbg.analysis.code.sources.foreign import place_of
from mtedbg.model.absent import Absent
from mtedbg.model.foreign_code import ForeignCode

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.session import Session


def code_at(session: Session, pc: int) -> CodePlace | None:
    """What the JITs of the process have at `pc`; None where there is none that can be read."""
    found = foreign_at(session, pc)
    if found is not None:
        return place_of(pc, found[1])
    known = [one for one in jits(session) if not isinstance(one.jit, Absent)]
    return place_of(pc, ForeignCode(known[0].source)) if known else None
