"""Which accesses of a run need order: those that touch memory that another owner has touched.

The runtime records it itself, by another way than the one that is judged: with `RECORDED` no memory
has a tag that any pointer has, so that every access faults and is interpreted, in an order that the
handler's lock decides, and `--trace` has each fault.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.support.trace import Record, What

GRANULE = 16
RECORDED = ("--policy", "interpret", "--data-start", "nobody")
"""Options of the runtime; a trace is asked for in addition."""
_SEVERAL = -1

Key = tuple[int, int]
"""A memop: its guest instruction, and its place among that one's accesses."""


@dataclass(frozen=True)
class Touched:
    """Who touched what in a run.

    Attributes:
        shared: accesses to a granule that two owners, themselves included, had touched by then.
        executions: accesses of each memop.
        ordered: the memops that made shared accesses.
    """

    shared: int
    executions: Counter[Key]
    ordered: frozenset[Key]


def key(fault: Record) -> Key:
    """The memop of a record of its fault."""
    return fault.first, fault.second


def first_granule(fault: Record) -> Iterable[int]:
    """The granule of an access's first byte."""
    return (fault.address // GRANULE,)


def touched(
    records: Iterable[Record],
    granules: Callable[[Record], Iterable[int]] = first_granule,
    firsts: Iterable[int] = (),
    *,
    anew: int = sys.maxsize,
) -> Touched:
    """Goes through a trace.

    Args:
        records: of a run with `RECORDED`.
        granules: which ones an access touches; none: it counts, and touches nothing.
        firsts: granules that the first thread has touched before.
        anew: bytes; memory of which so many or more get their tags at once has not been touched
            since: it is mapped anew, or a new thread's stack.
    """
    owners: dict[int, int] = {}
    executions: Counter[Key] = Counter()
    ordered = set()
    shared = 0
    for fault in records:
        if fault.what == What.TAGS and fault.first >= anew:
            _forget(owners, fault.address // GRANULE, (fault.address + fault.first) // GRANULE)
        if fault.what != What.FAULTED:
            continue
        if not executions:
            owners.update(dict.fromkeys(firsts, fault.core))
        executions[key(fault)] += 1
        # Each is looked at: it has been touched from now on.
        others = [owners.setdefault(one, fault.core) != fault.core for one in granules(fault)]
        if any(others):
            owners.update((one, _SEVERAL) for one in granules(fault) if owners[one] != fault.core)
            shared += 1
            ordered.add(key(fault))
    return Touched(shared, executions, frozenset(ordered))


def _forget(owners: dict[int, int], begin: int, end: int) -> None:
    if end - begin > len(owners):
        within: Iterable[int] = [one for one in owners if begin <= one < end]
    else:
        within = range(begin, end)
    for one in within:
        owners.pop(one, None)
