"""The memops of a process, all or some."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from heapq import nlargest
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.dataclass import dataclass
from mtedbg.decode.memops.history import last_patches, with_history
from mtedbg.decode.memops.memop import NEEDS, all_memops, executions_of, states_of
from mtedbg.decode.pages import Pages
from mtedbg.layout import Runtime
from mtedbg.model.absent import Absent, or_else
from mtedbg.model.memop import Memop, MemopState, Mode

if TYPE_CHECKING:
    from mtedbg.session import Session

MOST = 1 << 16
"""Memops that are listed."""


class Order(StrEnum):
    """How memops are sorted; the value is the word of `memops --sort`."""

    ADDRESS = "address"
    ID = "id"
    FLIPS = "flips"
    FAULTS = "faults"
    EXECUTIONS = "executions"


_KEYS: dict[Order, Callable[[Memop], int]] = {
    Order.ADDRESS: lambda one: -one.address,
    Order.ID: lambda one: -one.id,
    Order.FLIPS: lambda one: or_else(one.flips, 0),
    Order.FAULTS: lambda one: or_else(one.faults, 0),
}
"""Largest first: the lowest address and id, the most flips and faults."""


def _key(runtime: Runtime, order: Order) -> Callable[[Memop], int]:
    """The same, and the most executions, which are read from memory."""
    read = Pages(runtime.target).read
    return _KEYS.get(order, lambda one: or_else(executions_of(one, read), -1))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which memops are asked for.

    Attributes:
        block: of the block with this id; None for any.
        mode: of this recorded mode; None for any.
        order: which come first; by block and address where None.
        most: so many at most; `MOST` where None.
    """

    block: int | None = None
    mode: Mode | None = None
    order: Order | None = None
    most: int | None = None

    @property
    def limit(self) -> int:
        """How many are listed at most."""
        return MOST if self.most is None else max(1, min(self.most, MOST))

    def has(self, one: Memop) -> bool:
        """Whether a memop is one of them."""
        of_block = self.block is None or one.block == self.block
        return of_block and (self.mode is None or one.mode == self.mode)


@dataclass(frozen=True, slots=True)
class RuntimeMemops:
    """The memops of one runtime.

    Attributes:
        runtime: whose they are.
        states: those that were asked for, or why they cannot be read.
        total: how many there are of which these are the first.
    """

    runtime: Runtime
    states: tuple[MemopState, ...] | Absent
    total: int = 0


def memops(session: Session, wanted: Wanted) -> tuple[RuntimeMemops, ...]:
    """The memops of all blocks in the code maps.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    found: list[RuntimeMemops] = []
    left = wanted.limit
    for runtime in all_runtimes(session):
        found.append(_memops(runtime, wanted, left))
        left -= len(or_else(found[-1].states, ()))
    return tuple(found)


def _memops(runtime: Runtime, wanted: Wanted, left: int) -> RuntimeMemops:
    runtime.layout.require(NEEDS)
    found = all_memops(runtime)
    if isinstance(found, Absent):
        return RuntimeMemops(runtime, found)
    counted = _Counted(filter(wanted.has, found))
    if wanted.order is None:
        chosen = list(islice(counted, left))
    else:
        chosen = nlargest(left, counted, key=_key(runtime, wanted.order))
    return RuntimeMemops(runtime, tuple(_states(runtime, chosen)), counted.total())


class _Counted:
    """Memops as they go by, counted."""

    def __init__(self, found: Iterator[Memop]) -> None:
        self._found = found
        self._count = 0

    def __iter__(self) -> Iterator[Memop]:
        for one in self._found:
            self._count += 1
            yield one

    def total(self) -> int:
        """How many there were in all; goes through what is left."""
        for _ in self:
            pass
        return self._count


def _states(runtime: Runtime, chosen: list[Memop]) -> Iterator[MemopState]:
    patched = any(one.flips != 0 for one in chosen)
    patches = last_patches(runtime) if patched else {}
    for state in states_of(runtime, chosen):
        yield with_history(runtime, state, patches)
