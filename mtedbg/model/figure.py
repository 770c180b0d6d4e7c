"""What a format that can draw shows of an answer, next to its rows or instead of them."""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent
from mtedbg.model.cause import Cause
from mtedbg.model.cell_map import CellMap
from mtedbg.model.code import Block, Segment


@dataclass(frozen=True, slots=True)
class TagGrid:
    """The allocation tags around an address.

    Attributes:
        address: whose granule is marked.
        tags: of each granule, by its address.
        owners: whose each of the sixteen tags is: "shared" or a core id; absent without a runtime.
    """

    address: int
    tags: Mapping[int, int | Absent]
    owners: tuple[str | int | Absent, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """One event on a timeline.

    Attributes:
        time: nanoseconds of CLOCK_MONOTONIC.
        lane: the guest thread; 0 for the process.
        event: what happened, "Patch".
        words: all of it but its time, "Patch memop 31: Local → Shared".
    """

    time: int
    lane: int
    event: str
    words: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Events of all guest threads, the oldest first."""

    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class ThreadAt:
    """Where a thread stood.

    Attributes:
        number: by which the user names it.
        pc: without tag and PAC bits.
    """

    number: int
    pc: int


@dataclass(frozen=True, slots=True)
class SegmentMap:
    """Code segments, the blocks in them, and where threads stood."""

    segments: tuple[Segment, ...]
    blocks: tuple[Block, ...]
    threads: tuple[ThreadAt, ...]


@dataclass(frozen=True, slots=True)
class OrderOfModule:
    """How much order a module of a profile needs.

    Attributes:
        name: of its file.
        owned: executed accesses to memory of one owner only.
        in_order: those of memops that need order.
        unknown: those of which it is not known.
        never_run: memops that never ran.
        memops: all of its memops.
    """

    name: str
    owned: int
    in_order: int
    unknown: int
    never_run: int
    memops: int


@dataclass(frozen=True, slots=True)
class OrderMap:
    """The modules of a profile, those with the most executions first."""

    modules: tuple[OrderOfModule, ...]


Figure = Cause | CellMap | TagGrid | Timeline | SegmentMap | OrderMap
