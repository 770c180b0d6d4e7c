"""The code map against itself: what an insert or removal that went wrong would leave.

Every check is a promise of `native/include/mtedbg/debug_root.h`. What is read is bounded: a
hostile runtime costs no more than a large one.
"""

from __future__ import annotations

from collections.abc import Container, Generator, Iterator
from typing import TYPE_CHECKING, TypeVar

from mtedbg.dataclass import dataclass, field
from mtedbg.decode.code.audit_block import Budget, audit_block
from mtedbg.decode.code.code_map import CODE_MAP, FUNCTIONS, RETIRED, SEGMENTS
from mtedbg.decode.memops.journal import JOURNAL, describe, in_flight
from mtedbg.errors import LayoutError
from mtedbg.layout import Requirements, Runtime
from mtedbg.layout.memory import RecordArray
from mtedbg.model.absent import Absent, Reason, or_else
from mtedbg.model.code import Block, BlockState, Function, Segment
from mtedbg.model.finding import Finding, Flaw, Severity
from mtedbg.model.frame import GuestFrame
from mtedbg.model.operation import OF_CODE
from mtedbg.model.runtime import (
    THREADS,
    Buffer,
    Form,
    GuestThread,
    Journal,
    RuntimeState,
    Table,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

NEEDS = Requirements(
    models=(Table, Buffer, Block), contracts={"range.base": "block", "end": "exclusive"}
)

MOST_BLOCKS = 1 << 20
MOST_BYTES = 1 << 28
"""Of ranges and memops of all blocks together."""


@dataclass
class Known:
    """What the checks of single blocks need of the rest.

    Attributes:
        blocks: of the code map, in its order.
        retired: ids of retired blocks.
        segments: by id; None where the runtime keeps none.
        functions: the table of guest functions; None where it cannot be read.
        ids: of the blocks of the code map.
        changing: ids of blocks that were being inserted or removed.
    """

    blocks: list[Block] = field(default_factory=list)
    retired: set[int] = field(default_factory=set)
    segments: dict[int, Segment] | None = None
    functions: RecordArray[Function] | None = None
    ids: set[int] = field(default_factory=set)
    changing: set[int] = field(default_factory=set)

    def has(self, number: int) -> bool:
        """Whether a block is somewhere."""
        return number in self.ids or number in self.retired or number in self.changing


def audit(runtime: Runtime) -> Iterator[Finding]:
    """Every finding about the runtime's metadata, as they are found.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    runtime.layout.require(NEEDS)
    if runtime.state != RuntimeState.READY:
        yield Finding(Severity.INFO, Flaw.STATE, "debug root", f"the runtime is {runtime.state}")
    for problem in runtime.problems:
        yield Finding(Severity.ERROR, Flaw.DAMAGED, "debug root", problem)
    known = Known()
    yield from _journal(runtime, known)
    yield from _collect(runtime, known)
    yield from _order(known)
    budget = Budget(MOST_BYTES)
    indices = None if known.functions is None else _indices(known.functions)
    for block in known.blocks:
        yield from audit_block(runtime, block, indices, budget)
        yield from _links(block, known)
    yield from _functions(known, in_order=_form(runtime, FUNCTIONS) == Form.TABLE)
    yield from _threads(runtime)


def _journal(runtime: Runtime, known: Known) -> Iterator[Finding]:
    entries: tuple[Journal, ...] | Absent
    if JOURNAL not in runtime.named:
        return
    try:
        entries = in_flight(runtime)
    except LayoutError as error:
        entries = Absent(Reason.NOT_RECORDED, error.message)
    if isinstance(entries, Absent):
        yield Finding(Severity.WARNING, Flaw.UNREADABLE, JOURNAL, str(entries))
        return
    for entry in entries:
        if entry.operation in OF_CODE:
            known.changing.add(entry.block)
        where = f"guest thread {entry.thread}" if entry.thread else CODE_MAP
        yield Finding(Severity.INFO, Flaw.IN_FLIGHT, where, describe(entry))


def _table(
    runtime: Runtime, name: str, model: type[T]
) -> Generator[Finding, None, RecordArray[T] | None]:
    """The records of a table; a finding where it is torn or cannot be read.

    But for the code map, a runtime need not have it: what the root does not name has no records.
    """
    if name not in runtime.named and name != CODE_MAP:
        return None
    try:
        table = runtime.table(name, model, whole=True)
    except LayoutError as error:
        table = Absent(Reason.NOT_RECORDED, error.message)
    hole = table if isinstance(table, Absent) else table.records.all()
    if isinstance(table, Absent) or isinstance(hole, Absent):
        yield _unreadable(name, hole)
        return None
    if table.stale:
        detail = f"the newest is torn: this is generation {table.generation}, one older"
        yield Finding(Severity.WARNING, Flaw.STALE, name, detail)
    if table.damage:
        yield Finding(Severity.ERROR, Flaw.DAMAGED, name, f"lost: {table.damage}")
    return table.records if isinstance(table.records, RecordArray) else None


def _read(runtime: Runtime, name: str, model: type[T], into: list[T]) -> Iterator[Finding]:
    """The same, and all records of it."""
    array = yield from _table(runtime, name, model)
    records = () if array is None else array.all()
    for record in or_else(records, ()):
        if len(into) == MOST_BLOCKS:
            yield Finding(Severity.WARNING, Flaw.NOT_LOOKED_AT, name, f"more than {MOST_BLOCKS}")
            return
        into.append(record)


def _unreadable(name: str, hole: object) -> Finding:
    known = isinstance(hole, Absent) and hole.reason in (Reason.NOT_RECORDED, Reason.NOT_DUMPED)
    return Finding(Severity.WARNING if known else Severity.ERROR, Flaw.UNREADABLE, name, str(hole))


def _collect(runtime: Runtime, known: Known) -> Iterator[Finding]:
    retired: list[Block] = []
    segments: list[Segment] = []
    yield from _read(runtime, CODE_MAP, Block, known.blocks)
    yield from _read(runtime, RETIRED, Block, retired)
    yield from _read(runtime, SEGMENTS, Segment, segments)
    known.functions = yield from _table(runtime, FUNCTIONS, Function)
    known.retired = {block.id for block in retired}
    if SEGMENTS in runtime.named:
        known.segments = {segment.id: segment for segment in segments}


def _order(known: Known) -> Iterator[Finding]:
    """The code map is sorted, its blocks are disjoint, and no id is there twice."""
    ids = known.ids
    last: Block | None = None
    for block in known.blocks:
        where = f"block {block.id}"
        if block.id in ids:
            yield Finding(Severity.ERROR, Flaw.DUPLICATE, where, "its id is in the code map twice")
        ids.add(block.id)
        if last is not None and block.base < last.base:
            detail = f"it begins at {block.base:#x}, below block {last.id} before it"
            yield Finding(Severity.ERROR, Flaw.UNSORTED, where, detail)
        elif last is not None and block.base < last.end:
            detail = f"it begins at {block.base:#x}, block {last.id} ends at {last.end:#x}"
            yield Finding(Severity.ERROR, Flaw.OVERLAP, where, detail)
        last = block


def _links(block: Block, known: Known) -> Iterator[Finding]:
    """What one block says of others."""
    where = f"block {block.id}"
    if block.id in known.retired and block.id not in known.changing:
        detail = "it is retired, and still in the code map; no removal is in flight"
        yield Finding(Severity.ERROR, Flaw.RETIRED, where, detail)
    elif isinstance(block.state, str) and block.state != BlockState.PUBLISHED:
        yield Finding(Severity.ERROR, Flaw.STATE, where, f"in the code map, but {block.state}")
    if isinstance(block.segment, int) and known.segments is not None:
        segment = known.segments.get(block.segment)
        if segment is None:
            detail = f"its segment {block.segment} does not exist"
            yield Finding(Severity.ERROR, Flaw.DANGLING, where, detail)
        elif not segment.base <= block.base <= block.end <= segment.base + segment.capacity:
            detail = f"{block.base:#x} to {block.end:#x} is outside of segment {segment.id}"
            yield Finding(Severity.ERROR, Flaw.OUTSIDE, where, detail)
    by = block.superseded_by
    if isinstance(by, int) and by and not known.has(by):
        detail = f"superseded by block {by}, which does not exist"
        yield Finding(Severity.WARNING, Flaw.DANGLING, where, detail)


def _columns(functions: RecordArray[Function], *names: str) -> Iterator[tuple[int | None, ...]]:
    """Some fields of all functions, of which there may be a million."""
    data = functions.bytes_of(0, functions.count)
    if isinstance(data, Absent):
        return iter(())
    return functions.reader.columns(data, functions.stride, names)


def _indices(functions: RecordArray[Function]) -> Container[int]:
    """The indices that there are: mostly all numbers from 0 on."""
    rows = _columns(functions, "index")
    if all(index == number for number, (index,) in enumerate(rows)):
        return range(functions.count)
    return {index for (index,) in _columns(functions, "index") if index is not None}


def _form(runtime: Runtime, name: str) -> str:
    return runtime.named[name].form if name in runtime.named else ""


def _functions(known: Known, *, in_order: bool) -> Iterator[Finding]:
    """Where guest functions say that their code is.

    Args:
        known: what is known of the rest.
        in_order: whether each stands at its index: functions in slots can be taken away.
    """
    if known.functions is None:
        return
    rows = _columns(known.functions, "index", "block", "guest_begin", "guest_end")
    for number, (index, block, begin, end) in enumerate(rows):
        if in_order and index != number:
            detail = f"it is at index {number}"
            yield Finding(Severity.ERROR, Flaw.UNSORTED, f"function {index}", detail)
        if block and block not in known.ids and block not in known.changing:
            gone = "retired" if block in known.retired else "nowhere"
            detail = f"its code is in block {block}, which is {gone}"
            yield Finding(Severity.ERROR, Flaw.DANGLING, f"function {index}", detail)
        if begin is not None and end is not None and begin > end:
            detail = f"it ends at {end:#x}, before it begins at {begin:#x}"
            yield Finding(Severity.ERROR, Flaw.IMPOSSIBLE, f"function {index}", detail)


def _threads(runtime: Runtime) -> Iterator[Finding]:
    """The frames of guest threads."""
    threads: list[GuestThread] = []
    yield from _read(runtime, THREADS, GuestThread, threads)
    for thread in threads:
        where = f"guest thread {thread.id}"
        try:
            frame = runtime.record(GuestFrame, thread.frame)
        except LayoutError as error:
            yield Finding(Severity.WARNING, Flaw.UNREADABLE, THREADS, error.message)
            return
        if isinstance(frame, Absent):
            detail = f"its frame at {thread.frame:#x}: {frame}"
            yield Finding(Severity.ERROR, Flaw.UNREADABLE, where, detail)
        elif frame.thread_id != thread.id:
            detail = f"its frame at {thread.frame:#x} is that of thread {frame.thread_id}"
            yield Finding(Severity.ERROR, Flaw.DANGLING, where, detail)
