"""All memops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import nlargest
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.memops.memop import row_of
from mtedbg.analysis.runtimes import all_runtimes, notes_of, whose
from mtedbg.decode.memops.history import last_patches, with_history
from mtedbg.decode.memops.memop import NEEDS, all_memops, states_of
from mtedbg.errors import UsageError
from mtedbg.model.absent import Absent
from mtedbg.model.memop import Memop, Mode
from mtedbg.report import Column, Report, Row, flat

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

MOST = 1 << 16
"""Rows of a report."""

_Key = Callable[[Memop], int]


def _count(value: int | Absent) -> int:
    return value if isinstance(value, int) else 0


ORDERS: dict[str, _Key] = {
    "address": lambda one: -one.address,
    "id": lambda one: -one.id,
    "flips": lambda one: _count(one.flips),
    "faults": lambda one: _count(one.faults),
}
"""Largest first, except for address and id."""

_MODES = (Mode.LOCAL, Mode.SHARED)


def memops(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    *,
    block: int | None = None,
    mode: str | None = None,
    sort: str | None = None,
    most: int | None = None,
) -> Report:
    """The memops of all blocks in the code map.

    Args:
        session: the process.
        command: to be named in the report.
        columns: of the report.
        block: only those of the block with this id.
        mode: only those of this recorded mode, in any case.
        sort: a key of `ORDERS`; by block and address where None.
        most: so many at most.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
        UsageError: there is no such mode or order.
    """
    wanted, order = _mode(mode), _order(sort)
    limit = MOST if most is None else max(1, min(most, MOST))
    rows: list[Row] = []
    notes: list[str] = []
    lacking = False
    total = 0
    runtimes = all_runtimes(session)
    for runtime in runtimes:
        runtime.layout.require(NEEDS)
        notes += notes_of(runtime)
        found = all_memops(runtime)
        if isinstance(found, Absent):
            notes.append(f"the code map: {found}")
            lacking = True
            continue
        counted = _Counted(one for one in found if _fits(one, block, wanted))
        chosen = nlargest(limit, counted, key=order) if order else list(islice(counted, limit))
        own = [*_rows(runtime, chosen[: limit - len(rows)])]
        notes += whose(runtimes, runtime, f"rows {len(rows) + 1} to {len(rows) + len(own)}") * bool(
            own
        )
        rows += own
        total += counted.rest()
    if total > len(rows):
        notes.append(f"{total - len(rows)} more are not shown: -n {min(total, MOST)} shows more")
    headline = _headline(rows, total, of_block=block)
    return flat(
        command, session.info, columns, tuple(rows), tuple(notes), headline=headline,
        listing=True, cut=most is None and total > len(rows), lacking=lacking,
    )  # fmt: skip


class _Counted:
    """Memops as they go by, counted."""

    def __init__(self, found: Iterator[Memop]) -> None:
        self._found = found
        self._count = 0

    def __iter__(self) -> Iterator[Memop]:
        for one in self._found:
            self._count += 1
            yield one

    def rest(self) -> int:
        """How many there were in all; goes through what is left."""
        for _ in self:
            pass
        return self._count


def _rows(runtime: Runtime, chosen: list[Memop]) -> Iterator[Row]:
    patched = any(one.flips != 0 for one in chosen)
    patches = last_patches(runtime) if patched else {}
    for state in states_of(runtime, chosen):
        yield row_of(with_history(runtime, state, patches))


def _fits(one: Memop, block: int | None, mode: Mode | None) -> bool:
    return (block is None or one.block == block) and (mode is None or one.mode == mode.value)


def _mode(name: str | None) -> Mode | None:
    if name is None:
        return None
    for mode in _MODES:
        if mode.value.lower() == name.lower():
            return mode
    names = ", ".join(mode.value for mode in _MODES)
    raise UsageError(f"no mode is called {name!r}", f"one of {names}")


def _order(name: str | None) -> _Key | None:
    if name is None:
        return None
    if name not in ORDERS:
        raise UsageError(f"memops cannot be sorted by {name!r}", f"one of {', '.join(ORDERS)}")
    return ORDERS[name]


def _headline(rows: list[Row], total: int, *, of_block: int | None) -> str:
    if not total:
        return "no memops" + ("" if of_block is None else f" in block {of_block}")
    wrong = sum(row["consistent"] is False for row in rows)
    shown = f"{total} memop{'s' if total > 1 else ''}"
    if len(rows) < total:
        shown = f"{len(rows)} of {shown}"
    return f"{shown}, {wrong} whose bytes say otherwise" if wrong else shown
