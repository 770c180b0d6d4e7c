"""Where the phases of fault handling are, by the debug root. Runs inside a debugger as well."""

from __future__ import annotations

from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.layout import Runtime
from mtedbg.model.absent import Absent


@dataclass(frozen=True, slots=True)
class PhasePoint:
    """One code address of a phase."""

    RECORD: ClassVar[str] = "PhasePoint"

    phase: str
    address: int


def phase_addresses(runtime: Runtime) -> dict[str, list[int]]:
    """Every phase's addresses, by its name."""
    points = runtime.array("phases", PhasePoint)
    assert not isinstance(points, Absent), points
    all_points = points.all()
    assert not isinstance(all_points, Absent), all_points
    found: dict[str, list[int]] = {}
    for point in all_points:
        found.setdefault(point.phase, []).append(point.address)
    return found
