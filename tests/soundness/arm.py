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
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

from tests.soundness.candidates import Candidates, Data
from tests.soundness.steps import (
    Access,
    Everywhere,
    Fence,
    Form,
    Lock,
    Met,
    Patch,
    Step,
    Switch,
    Tag,
    Unlock,
)
from tests.soundness.tso import Outcome


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

    def data(self, closure: Sequence[int]) -> tuple[list[Data], list[int]]:
        """The data accesses alone, and for each the bit set of those that it comes before."""
        found: list[Data] = []
        at: list[int] = []
        for index, node in enumerate(self.nodes):
            if node.role is _Role.DATA and node.access is not None:
                found.append(Data(len(at), node.thread, node.access.op))
                at.append(index)
        fixed = (sum(1 << j for j, b in enumerate(at) if closure[a] >> b & 1) for a in at)
        return found, list(fixed)

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
    data, fixed = graph.data(closure)
    return frozenset(Candidates(data, fixed, threads, cells).ends())
