"""What a trace is made of, for the model of Arm: steps of threads, in the order they were made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tests.soundness.tso import Op


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
