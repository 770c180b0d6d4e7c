"""One memop: what the runtime records of it, and what its bytes say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.dataclass import dataclass
from mtedbg.decode.code.code_map import locate
from mtedbg.decode.memops import memop as decode
from mtedbg.decode.memops.history import with_history
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present, then
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.memop import Memop, MemopState
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class FoundMemop:
    """What was found for a PC or an id.

    Attributes:
        at: the PC, or id.
        runtime: whose memop it is; where none was found, the one that says why.
        state: the memop; does not apply where there is none.
        is_one_of_several: whether the process has other runtimes, whose memops have ids as well.
    """

    at: int
    runtime: Runtime
    state: MemopState | Absent
    is_one_of_several: bool


def find_memop(session: Session, at: int, *, or_id: bool) -> FoundMemop:
    """The memop at a PC, or with an id.

    Args:
        session: the process.
        at: a PC, without tag and PAC bits.
        or_id: whether, where no memop is there, it may be an id.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    runtime, memop = _find(session, at, or_id=or_id)
    state = then(memop, lambda one: with_history(runtime, decode.state_of(runtime, one)))
    return FoundMemop(at, runtime, state, len(all_runtimes(session)) > 1)


def _find(session: Session, at: int, *, or_id: bool) -> tuple[Runtime, Memop | Absent]:
    runtimes = all_runtimes(session)
    holes = []
    for runtime in runtimes:
        found = decode.memop_at(runtime, at)
        if present(found):
            return runtime, found
        holes.append((runtime, found))
    for runtime in runtimes if or_id else ():
        if not locate(runtime, at).in_jit:
            found = decode.memop_with_id(runtime, at)
            if present(found):
                return runtime, found
    return next((pair for pair in holes if _is_hole(pair[1])), holes[0])


def _is_hole(found: Memop | Absent) -> bool:
    return isinstance(found, Absent) and found.is_hole


@once
def memop_at(session: Session, pc: int) -> Memop | Absent:
    """The memop at `pc` (without tag): does not apply where none is, or no runtime.

    What is wrong with a runtime is the reason of the hole, never an exception.
    """
    runtimes = session.runtimes
    if isinstance(runtimes, Absent):
        return runtimes if runtimes.reason is Reason.DAMAGED else NOT_APPLICABLE
    hole = NOT_APPLICABLE
    for runtime in runtimes:
        try:
            found = decode.memop_at(runtime, pc)
        except LayoutError as error:
            found = Absent(Reason.DAMAGED, error.message)
        if not isinstance(found, Absent):
            return found
        hole = found if found.is_hole else hole
    return hole
