"""Where the phases of fault handling are, and who holds its lock."""

from __future__ import annotations

from collections.abc import Iterable

from mtedbg.dataclass import dataclass
from mtedbg.layout import Runtime
from mtedbg.model.absent import Absent, Reason, then
from mtedbg.model.phase import Lock, Phase, PhasePoint

MOST_POINTS = 64
"""Addresses of phases that a runtime may publish: more are no phases."""


@dataclass(frozen=True, slots=True)
class PhasePlace:
    """A code address that stands before the effect of `phase`."""

    phase: Phase
    address: int


def phase_places(runtime: Runtime) -> tuple[PhasePlace, ...] | Absent:
    """The addresses of all phases that are known here.

    Raises:
        LayoutError: the schema lacks what reading them takes.
    """
    points = runtime.array("phases", PhasePoint)
    if isinstance(points, Absent):
        return points
    if points.count > MOST_POINTS:
        return Absent(Reason.DAMAGED, f"{points.count} phases")
    return then(points.all(), _known)


def _known(points: Iterable[PhasePoint]) -> tuple[PhasePlace, ...]:
    return tuple(PhasePlace(one.known, one.address) for one in points if one.known is not None)


def lock_holder(runtime: Runtime) -> int | Absent:
    """The guest thread that holds the lock of all who change tags and memops; 0 for none.

    Raises:
        LayoutError: the schema lacks what reading it takes.
    """
    if "Lock" not in runtime.layout.schema.records:
        return Absent(Reason.NOT_RECORDED, "this runtime does not keep it")
    return then(runtime.first("lock", Lock), lambda lock: lock.thread)
