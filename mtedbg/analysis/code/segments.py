"""The code segments of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.tables import Listed, listed
from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.dataclass import dataclass
from mtedbg.decode.code.code_map import SEGMENTS
from mtedbg.layout import Requirements, Runtime
from mtedbg.model.absent import or_else
from mtedbg.model.code import Segment
from mtedbg.model.runtime import Buffer, Table

if TYPE_CHECKING:
    from mtedbg.session import Session

NEEDS = Requirements(models=(Table, Buffer, Segment))


@dataclass(frozen=True, slots=True)
class RuntimeSegments:
    """The code segments of one runtime.

    Attributes:
        runtime: whose they are.
        table: their table.
    """

    runtime: Runtime
    table: Listed[Segment]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """In the order that they were made; none where they cannot be read."""
        return or_else(self.table.rows, ())


def segments(session: Session) -> tuple[RuntimeSegments, ...]:
    """The code segments of every runtime.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    found = []
    for runtime in all_runtimes(session):
        runtime.layout.require(NEEDS)
        found.append(RuntimeSegments(runtime, listed(runtime, SEGMENTS, Segment)))
    return tuple(found)
