"""One code block against its own ranges and memops."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from mtedbg.dataclass import dataclass
from mtedbg.decode.code.audit_details import audit_details
from mtedbg.decode.memops.memop import memops_of
from mtedbg.errors import LayoutError
from mtedbg.layout import Runtime
from mtedbg.layout.memory import RecordArray
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.code import NO_FUNCTION, Block, Range
from mtedbg.model.finding import Finding, Flaw, Severity
from mtedbg.model.memop import Memop

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

_SPACE = 1 << 64
_WORD = 4
_OF_EACH = 3
"""Findings of one kind in one block that are listed; the rest is counted."""


@dataclass
class Budget:
    """Bytes of records that may still be read."""

    left: int


def audit_block(
    runtime: Runtime, block: Block, functions: Container[int] | None, budget: Budget
) -> Iterator[Finding]:
    """Every finding about one block, those of one kind beyond the first few as one.

    Args:
        runtime: of the block.
        block: which.
        functions: indices of guest functions; None where they are not known.
        budget: what may be read.
    """
    where = f"block {block.id}"
    if not block.length or block.end > _SPACE:
        detail = f"{block.length} bytes at {block.base:#x}"
        yield Finding(Severity.ERROR, Flaw.IMPOSSIBLE, where, detail)
    yield from _few(_ranges(runtime, block, functions, budget), where)
    yield from _few(_memops(runtime, block, budget), where)
    yield from _few(audit_details(runtime, block), where)


def _few(findings: Iterable[Finding], where: str) -> Iterator[Finding]:
    counts: Counter[tuple[Severity, Flaw]] = Counter()
    for finding in findings:
        kind = (finding.severity, finding.what)
        counts[kind] += 1
        if counts[kind] <= _OF_EACH:
            yield finding
    for (severity, what), count in counts.items():
        if count > _OF_EACH:
            yield Finding(severity, what, where, f"and {count - _OF_EACH} more of this kind")


def _bytes(array: RecordArray[T] | Absent, budget: Budget) -> bytes | Absent:
    if isinstance(array, Absent):
        return array
    if array.size > budget.left:
        return Absent(Reason.UNKNOWN, f"{array.size} bytes are too many to check")
    budget.left -= array.size
    return array.bytes_of(0, array.count) if array.count else b""


def _unreadable(hole: Absent, where: str) -> Finding:
    known = hole.reason in (Reason.NOT_DUMPED, Reason.UNKNOWN, Reason.NOT_RECORDED)
    severity = Severity.WARNING if known else Severity.ERROR
    return Finding(severity, Flaw.UNREADABLE, where, str(hole))


def _ranges(
    runtime: Runtime, block: Block, functions: Container[int] | None, budget: Budget
) -> Iterator[Finding]:
    """Ranges are sorted, disjoint, inside of the block, and of functions that there are."""
    whole = f"ranges of block {block.id}"
    array = runtime.records(Range, block.ranges, block.range_count)
    data = _bytes(array, budget)
    if isinstance(array, Absent) or isinstance(data, Absent):
        yield _unreadable(data if isinstance(data, Absent) else Absent(Reason.DAMAGED), whole)
        return
    if isinstance(block.ranges_checksum, int) and zlib.crc32(data) != block.ranges_checksum:
        detail = "their checksum is not the recorded one"
        yield Finding(Severity.ERROR, Flaw.CHECKSUM, whole, detail)
    last = 0
    rows = array.reader.columns(data, array.stride, ("begin", "end", "function"))
    for number, (begin, end, function) in enumerate(rows):
        assert begin is not None
        assert end is not None
        named = function is not None and function != NO_FUNCTION
        unknown = named and functions is not None and function not in functions
        if unknown or end < begin or end > block.length or begin < last:  # one in a million
            where = f"range {number} of block {block.id}"
            yield from _range(where, (begin, end), last, block.length)
            if unknown:
                detail = f"there is no guest function {function}"
                yield Finding(Severity.ERROR, Flaw.DANGLING, where, detail)
        last = max(last, end)


def _range(where: str, span: tuple[int, int], last: int, length: int) -> Iterator[Finding]:
    begin, end = span
    words = f"{begin:#x} to {end:#x}"
    if end < begin or end > length:
        yield Finding(Severity.ERROR, Flaw.OUTSIDE, where, f"{words} of {length:#x} bytes")
    if begin < last:
        detail = f"{words}, the one before it ends at {last:#x}"
        yield Finding(Severity.ERROR, Flaw.OVERLAP, where, detail)


def _memops(runtime: Runtime, block: Block, budget: Budget) -> Iterator[Finding]:
    """Memops are sorted by address and inside of the block."""
    whole = f"memops of block {block.id}"
    try:
        array = memops_of(runtime, block)
    except LayoutError as error:
        array = Absent(Reason.NOT_RECORDED, error.message)
    data = _bytes(array, budget)
    if isinstance(array, Absent) or isinstance(data, Absent):
        yield _unreadable(data if isinstance(data, Absent) else Absent(Reason.DAMAGED), whole)
        return
    last: Memop | None = None
    for one in array.reader.many(data, array.stride):
        yield from _memop(block, one, last)
        last = one


def _memop(block: Block, one: Memop, last: Memop | None) -> Iterator[Finding]:
    where = f"memop {one.id}"
    if not block.base <= one.start <= one.address < block.end:
        detail = f"{one.start:#x} to {one.address:#x} is not inside of block {block.id}"
        yield Finding(Severity.ERROR, Flaw.OUTSIDE, where, detail)
    if (one.address | one.tag_address) % _WORD:
        detail = f"{one.tag_address:#x} and {one.address:#x} are not addresses of instructions"
        yield Finding(Severity.ERROR, Flaw.IMPOSSIBLE, where, detail)
    if isinstance(one.block, int) and one.block != block.id:
        detail = f"it is recorded in block {one.block}, but listed by block {block.id}"
        yield Finding(Severity.ERROR, Flaw.DANGLING, where, detail)
    if last is not None and one.address <= last.address:
        detail = f"at {one.address:#x}, after memop {last.id} at {last.address:#x}"
        yield Finding(Severity.ERROR, Flaw.UNSORTED, where, detail)
    elif last is not None and one.start <= last.address:
        detail = f"it begins at {one.start:#x}, memop {last.id} ends at {last.address:#x}"
        yield Finding(Severity.ERROR, Flaw.OVERLAP, where, detail)
