"""Litmus tests for the guest `litmus.c`, and the schedules under which they are run.

A round is one run of a test: where its cells are at first, on which core each thread begins, and
the turns of the accesses, one each. A batch is many rounds in one run of the runtime, each on new
code and new memory; `write` gives the `--schedule` that makes the guest run them so.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.soundness.tso import Kind, Op, Program

LONG = 1_000_000
"""Polls of a turn that the guest ends by a yield."""
MAIN_CORE = 5
GUEST_CELLS = 3
ELSEWHERE = 4
"""A core that no thread of a test begins on, unless there are four."""
SHARED = 0
"""Where a cell is that is shared from the start; other numbers are cores, from 1."""

_SHAPES = {
    "WW": (Kind.WRITE, Kind.WRITE),
    "RR": (Kind.READ, Kind.READ),
    "WR": (Kind.WRITE, Kind.READ),
    "RW": (Kind.READ, Kind.WRITE),
    "FW": (Kind.WRITE, Kind.FENCE, Kind.READ),
    "WN": (Kind.WRITE,),
    "XR": (Kind.EXCHANGE, Kind.READ),
}


@dataclass(frozen=True)
class Litmus:
    """A test: a word a thread as the guest takes it, the shape and two cells."""

    name: str
    threads: tuple[str, ...]
    cells: int = 2

    @property
    def program(self) -> Program:
        """What it does, with the values that the guest writes."""
        return tuple(_ops(word, index) for index, word in enumerate(self.threads))


def _ops(word: str, thread: int) -> tuple[Op, ...]:
    ops, cells = [], [int(cell) for cell in word[2:]]
    for kind in _SHAPES[word[:2]]:
        if kind is Kind.FENCE:
            ops.append(Op(kind))
            continue
        place = sum(op.kind is not Kind.FENCE for op in ops)
        writes = kind is not Kind.READ
        ops.append(Op(kind, cells[place], 2 * thread + 1 + place if writes else 0))
    return tuple(ops)


TESTS = {
    test.name: test
    for test in (
        Litmus("MP", ("WW01", "RR10")),
        Litmus("MP+2", ("WW01", "RR10", "RR10")),
        Litmus("MP+own", ("WW01", "RR10", "RR22"), 3),
        Litmus("SB", ("WR01", "WR10")),
        Litmus("SB+mfence", ("FW01", "FW10")),
        Litmus("SB+xchg", ("XR01", "XR10")),
        Litmus("LB", ("RW01", "RW10")),
        Litmus("CoRR", ("WN00", "RR00"), 1),
        Litmus("CoWW", ("WW00", "WW00"), 1),
        Litmus("IRIW", ("WN00", "WN11", "RR01", "RR10")),
        Litmus("2+2W", ("WW01", "WW10")),
    )
}


@dataclass(frozen=True)
class Turn:
    """One instruction of a thread (an index) on a core (from 1)."""

    thread: int
    core: int


@dataclass(frozen=True)
class Round:
    """One run of a test.

    Attributes:
        cells: for each cell the core that it is local to, or `SHARED`.
        turns: who goes when, where.
        warm: the threads whose instructions have met shared memory before.
    """

    cells: tuple[int, ...]
    turns: tuple[Turn, ...]
    warm: frozenset[int] = frozenset()

    def home(self, thread: int) -> int:
        """The core that a thread begins on."""
        return next(turn.core for turn in self.turns if turn.thread == thread)


def interleavings(lengths: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every order in which threads with so many instructions each can take their turns."""
    if not any(lengths):
        yield ()
    for thread, left in enumerate(lengths):
        if left:
            rest = [*lengths[:thread], left - 1, *lengths[thread + 1 :]]
            for tail in interleavings(rest):
                yield (thread, *tail)


@dataclass(frozen=True)
class Choices:
    """What a round of a test is a choice of.

    Attributes:
        orders: every interleaving, a thread for each turn.
        moves: no thread moves (-1), or one from one of its later instructions on: thread,
            instruction, and the core, of another thread or one that nobody was on.
        cells: each is shared, or local to the core of a thread or to one that nobody is on.
        warm: none of the threads, all, or one.
    """

    orders: Sequence[tuple[int, ...]]
    moves: Sequence[tuple[int, int, int]]
    cells: Sequence[tuple[int, ...]]
    warm: Sequence[frozenset[int]]

    def count(self) -> int:
        """How many rounds there are."""
        return len(self.orders) * len(self.moves) * len(self.cells) * len(self.warm)

    def rounds(self) -> Iterator[Round]:
        """Every round."""
        for order, move in itertools.product(self.orders, self.moves):
            turns = tuple(_turns(order, *move))
            for cells, warmed in itertools.product(self.cells, self.warm):
                yield Round(cells, turns, warmed)

    def sample(self, count: int, seed: str) -> list[Round]:
        """So many different rounds, or all where there are no more; the same for the same seed."""
        if count >= self.count():
            return list(self.rounds())
        draw = random.Random(seed)
        found: dict[Round, None] = {}
        while len(found) < count:
            turns = tuple(_turns(draw.choice(self.orders), *draw.choice(self.moves)))
            found[Round(draw.choice(self.cells), turns, draw.choice(self.warm))] = None
        return list(found)


def choices(test: Litmus) -> Choices:
    """All that there is to choose in a round of a test."""
    lengths = [len(ops) for ops in test.program]
    threads = range(len(lengths))
    cores = [
        *(thread + 1 for thread in threads),
        *([ELSEWHERE] if len(lengths) < ELSEWHERE else []),
    ]
    moves = [
        (thread, place, core)
        for thread in threads
        for place in range(1, lengths[thread])
        for core in cores
        if core != thread + 1
    ]
    places = itertools.product((SHARED, *cores), repeat=test.cells)
    singles = (frozenset({thread}) for thread in threads)
    return Choices(
        tuple(interleavings(lengths)),
        ((-1, 0, 0), *moves),
        tuple(places),
        (frozenset(), frozenset(threads), *singles),
    )


def _turns(order: Sequence[int], mover: int, place: int, core: int) -> Iterator[Turn]:
    count: dict[int, int] = {}
    for thread in order:
        moved = thread == mover and count.get(thread, 0) >= place
        yield Turn(thread, core if moved else thread + 1)
        count[thread] = count.get(thread, 0) + 1


@dataclass(frozen=True)
class Written:
    """A batch as the guest and the runtime take it.

    Attributes:
        arguments: of the guest.
        schedule: of the runtime.
        made: for each round the place of the turn in which its first cell is made.
        bodies: for each round the place of its first access's turn.
    """

    arguments: tuple[str, ...]
    schedule: str
    made: tuple[int, ...]
    bodies: tuple[int, ...]


def write(test: Litmus, batch: Sequence[Round], first_core: int, common: bool) -> Written:
    """The schedule of a batch.

    Args:
        test: the test that all rounds are of.
        batch: the rounds.
        first_core: the id of the first core: 1, or 0 where the shared tag is 15.
        common: whether threads of one shape run the same instructions.
    """
    turns: list[str] = []

    def turn(thread: int, core: int, polls: int = LONG) -> None:
        turns.append(f"{thread + 2}@{core - 1 + first_core}*{polls}")

    main, letters = -1, ""
    made: list[int] = []
    bodies: list[int] = []
    threads = range(len(test.threads))
    turn(main, MAIN_CORE)
    for thread in threads:
        turn(thread, thread + 1)
    for one in batch:
        cells = (*one.cells, *[SHARED] * GUEST_CELLS)[:GUEST_CELLS]
        letters += "".join("s" if cell == SHARED else "l" for cell in cells)
        letters += "".join("w" if thread in one.warm else "n" for thread in threads)
        turn(main, MAIN_CORE)
        made.append(len(turns))
        for cell in cells:
            turn(main, MAIN_CORE if cell == SHARED else cell)
        for thread in threads:
            # To the yield in the body, for warm ones through it and there again; back from it.
            for polls in (*[LONG] * (2 if thread in one.warm else 1), 1):
                turn(thread, one.home(thread), polls)
        bodies.append(len(turns))
        for each in one.turns:
            turn(each.thread, each.core, 1)
        for thread in threads:
            turn(thread, thread + 1)
    turn(main, MAIN_CORE)
    arguments = (" ".join(test.threads), letters, *(["common"] if common else []))
    return Written(arguments, ",".join(turns), tuple(made), tuple(bodies))
