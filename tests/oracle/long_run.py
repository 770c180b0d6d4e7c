"""Millions of random instructions: long sequences, many in one program, and those that differ.

Hypothesis takes longer to make a sequence than both worlds to run it. Here they come from a seeded
generator, which can make any of them again, and what differs is made small step by step.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tests.oracle import check
from tests.oracle.case import Case
from tests.oracle.machine import MOST
from tests.oracle.sequences import EDGES, Step, case_of, put_together, signed_edges, steps_of

MOST_FORMS = 24
"""In one sequence: as much as 256 bytes of stack above the first rsp have room for pops."""
STARTS = 4
"""From so many different registers, flags and memories each sequence is run."""
WORKERS = 2


class _Random:
    """A generator as a source of numbers."""

    def __init__(self, seed: str) -> None:
        self._draw = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        return low + int(self._draw.random() * (high - low + 1))

    def value(self) -> int:
        if self._draw.random() < 0.5:
            return EDGES[self.number(0, len(EDGES) - 1)]
        return self._draw.getrandbits(64) >> 8 * self.number(0, 7)

    def signed(self, bits: int) -> int:
        edges = signed_edges(bits)
        if self._draw.random() < 0.5:
            return edges[self.number(0, len(edges) - 1)]
        return self._draw.getrandbits(bits) - (1 << (bits - 1))


@dataclass(frozen=True)
class Long:
    """A case, and the steps that it is made of."""

    steps: tuple[Step, ...]
    case: Case

    def instructions(self) -> int:
        """How many there are: lines that are more than a label."""
        return sum(not line.endswith(":") for line in self.case.text.splitlines())

    def only(self, steps: Sequence[Step]) -> Long:
        """The same start with other steps."""
        text, defined = put_together(steps)
        return Long(tuple(steps), replace(self.case, text=text, mask=defined))


@dataclass(frozen=True)
class Part:
    """A program's worth of sequences that both worlds have run.

    Attributes:
        seed: what they were made of.
        sequences: how many.
        instructions: in them.
        steps: instructions that were run, from each start.
        wrong: those that differ, and how.
    """

    seed: int
    sequences: int
    instructions: int
    steps: int
    wrong: dict[Long, list[str]]


def batch(seed: int) -> list[Long]:
    """The cases of a seed: as many as one program has."""
    made = []
    for index in range(MOST // STARTS):
        source = _Random(f"{seed}.{index}")
        steps = tuple(steps_of(source, source.number(MOST_FORMS // 2, MOST_FORMS)))
        made += [Long(steps, case_of(source, steps)) for _ in range(STARTS)]
    return made


def part(seed: int, options: str = "") -> Part:
    """Makes the sequences of a seed and runs them in both worlds."""
    made = batch(seed)
    found = check.compare([one.case for one in made], options, MOST)
    wrong = {one: found[one.case] for one in made if one.case in found}
    steps = sum(one.instructions() for one in made)
    return Part(seed, len(made) // STARTS, steps // STARTS, steps, wrong)


def run(steps: int, seed: int, options: str = "") -> Iterator[Part]:
    """Parts of one seed after the other, until there were so many steps."""
    done = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting = [pool.submit(part, seed + ahead, options) for ahead in range(WORKERS)]
        following = seed + WORKERS
        while done < steps:
            finished = waiting.pop(0).result()
            done += finished.steps
            yield finished
            if done < steps:
                waiting.append(pool.submit(part, following, options))
                following += 1


def smallest(wrong: Long, options: str = "") -> Long:
    """The same difference with fewer steps, and with zeros for what does not matter."""
    while (shorter := _first_wrong(_without_one(wrong), options)) is not None:
        wrong = shorter
    for at in range(len(wrong.case.registers)):
        values = list(wrong.case.registers)
        values[at] = 0
        simpler = replace(wrong, case=replace(wrong.case, registers=tuple(values)))
        wrong = _first_wrong([simpler], options) or wrong
    return wrong


def _without_one(wrong: Long) -> list[Long]:
    steps = wrong.steps
    return [wrong.only(steps[:at] + steps[at + 1 :]) for at in range(len(steps)) if len(steps) > 1]


def _first_wrong(tried: Sequence[Long], options: str) -> Long | None:
    found = check.compare([one.case for one in tried], options)
    return next((one for one in tried if one.case in found), None)


class Progress:
    """Says now and then how far a run is."""

    def __init__(self, every_s: float = 10.0) -> None:
        self.sequences = self.instructions = self.steps = self.wrong = 0
        self._every_s = every_s
        self._begin = self._said = time.monotonic()

    def add(self, finished: Part) -> None:
        """Counts a part."""
        self.sequences += finished.sequences
        self.instructions += finished.instructions
        self.steps += finished.steps
        self.wrong += len(finished.wrong)
        if time.monotonic() - self._said >= self._every_s:
            print(self, flush=True)
            self._said = time.monotonic()

    def __str__(self) -> str:
        spent = time.monotonic() - self._begin
        made = f"{self.sequences} sequences of {self.instructions} instructions"
        return f"{self.steps} steps in {made}: {self.wrong} wrong, {spent:.0f} s"
