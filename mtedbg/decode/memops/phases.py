"""Where the phases of fault handling are, and who holds its lock."""

from __future__ import annotations

from mtedbg.layout import Runtime
from mtedbg.model.absent import Absent, Reason, then
from mtedbg.model.phase import PHASES, Lock, PhasePoint

MOST_POINTS = 64
"""Addresses of phases that a runtime may publish: more are no phases."""


def phase_points(runtime: Runtime) -> tuple[PhasePoint, ...] | Absent:
    """The addresses of all phases that commands have a name for.

    Raises:
        LayoutError: the schema lacks what reading them takes.
    """
    points = runtime.array("phases", PhasePoint)
    if isinstance(points, Absent):
        return points
    if points.count > MOST_POINTS:
        return Absent(Reason.DAMAGED, f"{points.count} phases")
    return then(
        points.all(), lambda all_points: tuple(one for one in all_points if one.name in PHASES)
    )


def lock_holder(runtime: Runtime) -> int | Absent:
    """The guest thread that holds the lock of all who change tags and memops; 0 for nobody.

    Raises:
        LayoutError: the schema lacks what reading it takes.
    """
    if "Lock" not in runtime.layout.schema.records:
        return Absent(Reason.NOT_RECORDED, "this runtime does not keep it")
    return then(runtime.first("lock", Lock), lambda lock: lock.thread)
