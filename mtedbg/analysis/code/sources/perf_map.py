"""Code in perf's map of a live process, a line for each piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.sources.foreign import place_of
from mtedbg.model.absent import Absent, Reason

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.session import Session


def code_at(session: Session, pc: int) -> CodePlace | None:
    """The line that has `pc`; None where there is no map."""
    found = session.perf_map
    return None if isinstance(found, Absent) else place_of(pc, found.at(pc), "line", "line")


def doubts(session: Session) -> tuple[str, ...]:
    """Why a map that is there is not believed, where that is so."""
    found = session.perf_map
    if isinstance(found, Absent) and found.reason is Reason.NOT_BELIEVED:
        return (f"perf map not believed: {found.detail}",)
    return ()
