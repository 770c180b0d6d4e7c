"""What a frame of JIT code runs: one of an interpreter tells more than its PC does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.mappings import may_be_generated, may_interpret
from mtedbg.analysis.code.symbolize import InJit, Symbolized, foreign_place, symbolize
from mtedbg.dataclass import replace
from mtedbg.model.absent import or_else

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mtedbg.model.code_place import CodePlace
    from mtedbg.session import Session


SCRIPT_FRAME = "x27"
"""A register that tells of the frame of a script besides x29 and sp: PHP's."""


def place_in_frame(session: Session, pc: int, registers: Mapping[str, int]) -> CodePlace | None:
    """What a frame in code of a JIT without a debug root runs; None in other code.

    Args:
        session: the process.
        pc: of the frame, without tag and PAC bits; of a call, an address of it.
        registers: of the frame, those that are known.
    """
    if not (may_be_generated(session, pc) or may_interpret(session, pc)):
        return None
    from mtedbg.analysis.code.jits import in_frame
    from mtedbg.analysis.code.sources.foreign import place_of

    code = in_frame(session, pc, registers)
    return foreign_place(session, pc) if code is None else place_of(pc, code)


def symbolize_frame(
    session: Session, pc: int, registers: Mapping[str, int], *, after_call: bool
) -> Symbolized:
    """As `symbolize`, of a frame.

    Args:
        session: the process.
        pc: of the frame.
        registers: of the frame, those that are known.
        after_call: as of `symbolize`.
    """
    found = symbolize(session, pc, after_call=after_call)
    place = place_in_frame(session, pc - (1 if after_call and pc else 0), registers)
    if place is None:
        return found
    from mtedbg.analysis.code.frame_name import foreign_frame_name

    named = InJit(place, or_else(place.function, ""), foreign_frame_name(place))
    return replace(found, jit=named)
