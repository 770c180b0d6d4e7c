"""What Arm allows of a run that was traced: its executions, and how each may end.

The axioms of the application level model, as far as they touch what the runtime executes
(aarch64.cat of herdtools7; Arm ARM B2.3): loads and stores, plain, acquiring (LDAPR) or releasing
(STLR), atomic ones with both, full barriers, and tag checks. A trace fixes what each thread
executed in which order, which tag each check met, who held the lock after whom, and where in each
thread a barrier on all cores fell. What the data accesses read, and which store came last, is open:
every assignment that leaves "ordered before" without a cycle is an execution.

Tag checks are reads of their own. A store comes behind its check; a load need not (tc-ib leaves
reads out), which is why a retag needs more than one barrier.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

from tests.soundness.tso import Op, Outcome


class Form(Enum):
    """How an access was executed."""

    PLAIN = "plain"
    ORDERED = "ordered"
    ATOMIC = "atomic"
    """A read-modify-write that acquires and releases: it orders as a full barrier does."""


@dataclass(frozen=True)
class Access:
    """A data access; where it is `checked`, its tag was compared with memory's.

    `memop` is the instruction that it was: what was patched into it comes before it.
    """

    thread: int
    op: Op
    form: Form
    checked: bool = True
    memop: int = 0


@dataclass(frozen=True)
class Tag:
    """A tag of a cell was written."""

    thread: int
    cell: int


@dataclass(frozen=True)
class Patch:
    """A memop got another form, and every core's instruction stream has been synchronised."""

    thread: int
    memop: int


@dataclass(frozen=True)
class Fence:
    """A full barrier of one thread."""

    thread: int


@dataclass(frozen=True)
class Everywhere:
    """A barrier on all cores, asked for by `thread`; the others meet it where they are.

    Those that are `late` meet it at a later step, a `Met` of the same `name`.
    """

    thread: int
    name: int = 0
    late: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Met:
    thread: int
    name: int


@dataclass(frozen=True)
class Switch:
    """A core went on with `thread` instead of `before`: everything of both is ordered there."""

    before: int
    thread: int


@dataclass(frozen=True)
class Lock:
    thread: int


@dataclass(frozen=True)
class Unlock:
    thread: int


Step = Access | Tag | Patch | Fence | Everywhere | Met | Switch | Lock | Unlock


class _Role(Enum):
    DATA = 0
    CHECK = 1
    FENCE = 2
    ACQUIRE = 3
    RELEASE = 4
    TAG = 5
    PATCH = 6


@dataclass
class _Node:
    role: _Role
    thread: int
    access: Access | None = None
    cell: int = -1
    after: int = 0  # bit set: nodes that this one is directly ordered before


class _Graph:
    """The nodes of a trace, and what is ordered whatever the data accesses read."""

    def __init__(self, threads: int) -> None:
        self.nodes: list[_Node] = []
        self.order: list[list[int]] = [[] for _ in range(threads)]
        self._tags: dict[int, int] = {}
        self._checks: dict[int, list[int]] = {}
        self._patches: dict[int, int] = {}
        self._asked: dict[int, tuple[int, int]] = {}
        self._unlocked: int | None = None

    def add(self, node: _Node) -> int:
        self.nodes.append(node)
        self.order[node.thread].append(len(self.nodes) - 1)
        return len(self.nodes) - 1

    def edge(self, before: int, after: int) -> None:
        self.nodes[before].after |= 1 << after

    def fence(self, thread: int) -> int:
        return self.add(_Node(_Role.FENCE, thread))

    def step(self, step: Step) -> None:
        match step:
            case Access():
                self._access(step)
            case Tag():
                self._tag(step)
            case Patch():
                self._patches[step.memop] = self.add(_Node(_Role.PATCH, step.thread))
            case Fence():
                self.fence(step.thread)
            case Everywhere():
                self._everywhere(step)
            case Met():
                self._meet(step.thread, self._asked[step.name])
            case Switch():
                self.edge(self.fence(step.before), self.fence(step.thread))
            case Lock():
                lock = self.add(_Node(_Role.ACQUIRE, step.thread))
                if self._unlocked is not None:
                    self.edge(self._unlocked, lock)
            case Unlock():
                self._unlocked = self.add(_Node(_Role.RELEASE, step.thread))

    def _access(self, access: Access) -> None:
        cell = access.op.cell
        if access.checked:
            check = self._fetched(_Node(_Role.CHECK, access.thread, access, cell), access.memop)
            if cell in self._tags:
                self._seen(self._tags[cell], check)
            self._checks.setdefault(cell, []).append(check)
        self._fetched(_Node(_Role.DATA, access.thread, access, cell), access.memop)

    def _fetched(self, node: _Node, memop: int) -> int:
        """Adds what a memop does: a word is fetched before it is executed."""
        index = self.add(node)
        if memop in self._patches:
            self._seen(self._patches[memop], index)
        return index

    def _tag(self, tag: Tag) -> None:
        node = self.add(_Node(_Role.TAG, tag.thread, cell=tag.cell))
        for check in self._checks.pop(tag.cell, []):
            self._seen(check, node)
        if tag.cell in self._tags:
            self._seen(self._tags[tag.cell], node)
        self._tags[tag.cell] = node

    def _seen(self, before: int, after: int) -> None:
        """Only what another thread did is observed: a core may forward to itself."""
        if self.nodes[before].thread != self.nodes[after].thread:
            self.edge(before, after)

    def _everywhere(self, step: Everywhere) -> None:
        begin, end = self.fence(step.thread), self.fence(step.thread)
        self._asked[step.name] = (begin, end)
        for thread in range(len(self.order)):
            if thread != step.thread and thread not in step.late:
                self._meet(thread, (begin, end))

    def _meet(self, thread: int, asked: tuple[int, int]) -> None:
        met = self.fence(thread)
        self.edge(asked[0], met)
        self.edge(met, asked[1])

    def locally_ordered(self) -> None:
        """What each thread's program order keeps."""
        for order in self.order:
            for first, second in itertools.combinations(order, 2):
                if _kept(self.nodes[first], self.nodes[second]):
                    self.edge(first, second)

    def closure(self) -> list[int]:
        """For each node the bit set of those that it comes before."""
        reach = [node.after for node in self.nodes]
        for middle in range(len(reach)):
            bit, more = 1 << middle, reach[middle]
            for index, has in enumerate(reach):
                if has & bit:
                    reach[index] = has | more
        return reach


def _kept(first: _Node, second: _Node) -> bool:
    """Whether two nodes of one thread, in program order, are ordered before each other."""
    if _Role.FENCE in (first.role, second.role) or _atomic(first) or _atomic(second):
        return True
    if first.role is _Role.ACQUIRE or second.role is _Role.RELEASE:
        return True
    if second.role is _Role.DATA and second.access is not None:
        op, form = second.access.op, second.access.form
        if op.writes and (
            form is Form.ORDERED
            or first.role is _Role.CHECK  # tag check before a later store
            or (first.role is _Role.DATA and first.cell == second.cell)  # local write successor
        ):
            return True
    ordered = first.access is not None and first.access.form is Form.ORDERED
    return (
        first.role is _Role.DATA and ordered and first.access is not None and first.access.op.reads
    )


def _atomic(node: _Node) -> bool:
    return node.role is _Role.DATA and node.access is not None and node.access.form is Form.ATOMIC


def outcomes(steps: Sequence[Step], threads: int, cells: int) -> frozenset[Outcome]:
    """Every way in which what was traced may have ended; all cells hold 0 at first."""
    return _outcomes(tuple(steps), threads, cells)


@cache
def _outcomes(steps: tuple[Step, ...], threads: int, cells: int) -> frozenset[Outcome]:
    graph = _Graph(threads)
    for step in steps:
        graph.step(step)
    graph.locally_ordered()
    closure = graph.closure()
    if any(reach >> index & 1 for index, reach in enumerate(closure)):
        return frozenset()  # it cannot have happened in this way
    return frozenset(_Candidates(graph, closure, cells).ends())


@dataclass(frozen=True)
class _Data:
    """A data access in the small graph of data accesses alone; `place` is its program order."""

    index: int
    thread: int
    op: Op


_Orders = tuple[list[int], list[int]]
"""What is ordered before what, and what coherence asks for cell by cell; bit sets, closed."""


class _Candidates:
    """Tries every source of every read, with every order of the stores to each cell."""

    def __init__(self, graph: _Graph, closure: Sequence[int], cells: int) -> None:
        at = [index for index, node in enumerate(graph.nodes) if node.role is _Role.DATA]
        self.cells = cells
        self.threads = len(graph.order)
        self.fixed = [
            sum(1 << j for j, other in enumerate(at) if closure[node] >> other & 1) for node in at
        ]
        self.data = []
        for index, node in enumerate(at):
            access = graph.nodes[node].access
            assert access is not None
            self.data.append(_Data(index, access.thread, access.op))
        self.reads = [data for data in self.data if data.op.reads]

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
        self, stores: tuple[tuple[_Data, ...], ...], so_far: _Orders, left: Sequence[_Data]
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

    def _with(self, orders: _Orders, edges: Sequence[tuple[_Data, _Data]]) -> _Orders | None:
        """Both orders with what was observed; None where one has a cycle."""
        external = [(a.index, b.index) for a, b in edges if a.thread != b.thread]
        internal = [(a.index, b.index) for a, b in edges]
        closed = closed_with(orders[0], external), closed_with(orders[1], internal)
        return None if closed[0] is None or closed[1] is None else (closed[0], closed[1])


def _same(a: _Data, b: _Data) -> bool:
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
