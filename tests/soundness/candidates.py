"""Executions of a trace: what its loads may read, and which store may come last."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.soundness.tso import Op, Outcome


@dataclass(frozen=True)
class Data:
    """A data access of a trace, by its place among them."""

    index: int
    thread: int
    op: Op


_Orders = tuple[list[int], list[int]]
"""What is ordered before what, and what coherence asks for cell by cell; bit sets, closed."""


class Candidates:
    """Tries every source of every read, with every order of the stores to each cell.

    Args:
        data: the data accesses, of each thread in program order.
        fixed: for each the bit set of those that it comes before, closed.
        threads: how many there are.
        cells: likewise.
    """

    def __init__(
        self, data: Sequence[Data], fixed: Sequence[int], threads: int, cells: int
    ) -> None:
        self.data = data
        self.fixed = list(fixed)
        self.threads = threads
        self.cells = cells
        self.reads = [one for one in data if one.op.reads]

    def ends(self) -> Iterator[Outcome]:
        writes = [
            [d for d in self.data if d.op.writes and d.op.cell == c] for c in range(self.cells)
        ]
        for stores in itertools.product(*(itertools.permutations(w) for w in writes)):
            begin = self._with(
                (self.fixed, self._same_cell()),
                [edge for order in stores for edge in itertools.combinations(order, 2)],
            )
            if begin is not None:
                last = tuple(order[-1].op.value if order else 0 for order in stores)
                for got in self._reads(stores, begin, self.reads):
                    yield Outcome(got, last)

    def _same_cell(self) -> list[int]:
        """Program order of each thread's accesses to one cell, which it always keeps."""
        return [
            sum(1 << b.index for b in self.data[a.index + 1 :] if _same(a, b)) for a in self.data
        ]

    def _reads(
        self, stores: tuple[tuple[Data, ...], ...], so_far: _Orders, left: Sequence[Data]
    ) -> Iterator[tuple[tuple[int, ...], ...]]:
        """What the reads `left` can get, thread by thread, given what is ordered so far."""
        if not left:
            yield ((),) * self.threads
            return
        read, *others = left
        order = stores[read.op.cell]
        for place, source in enumerate((None, *order)):
            if read.op.writes and order.index(read) != place:
                continue  # atomic: nothing between what it reads and what it writes
            edges = [(read, store) for store in order[place:] if store is not read]
            after = self._with(so_far, edges if source is None else [(source, read), *edges])
            if after is None or source is read:
                continue
            value = 0 if source is None else source.op.value
            for got in self._reads(stores, after, others):
                own = (value, *got[read.thread])
                yield (*got[: read.thread], own, *got[read.thread + 1 :])

    def _with(self, orders: _Orders, edges: Sequence[tuple[Data, Data]]) -> _Orders | None:
        """Both orders with what was observed; None where one has a cycle."""
        external = [(a.index, b.index) for a, b in edges if a.thread != b.thread]
        internal = [(a.index, b.index) for a, b in edges]
        closed = closed_with(orders[0], external), closed_with(orders[1], internal)
        return None if closed[0] is None or closed[1] is None else (closed[0], closed[1])


def _same(a: Data, b: Data) -> bool:
    return a.thread == b.thread and a.op.cell == b.op.cell


def closed_with(closed: Sequence[int], edges: Iterable[tuple[int, int]]) -> list[int] | None:
    """A transitively closed relation with more edges; None where that makes a cycle."""
    reach = list(closed)
    for before, after in edges:
        if before == after or reach[after] >> before & 1:
            return None
        more = reach[after] | 1 << after
        bit = 1 << before
        for index, has in enumerate(reach):
            if index == before or has & bit:
                reach[index] = has | more
    return reach
