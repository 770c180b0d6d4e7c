"""Rows of the table, and how a number is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time

ROUNDS = 5


@dataclass(frozen=True)
class Target:
    """What a number should be.

    Attributes:
        bound: the limit.
        at_least: whether more is better.
        unit: as it is printed.
    """

    bound: float
    unit: str
    at_least: bool = False

    def verdict(self, value: float) -> str:
        """Met, or missed by how much."""
        met = value >= self.bound if self.at_least else value <= self.bound
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {self.bound:g} {self.unit}: {'met' if met else self._missed(value)}"

    def _missed(self, value: float) -> str:
        more, less = (self.bound, value) if self.at_least else (value, self.bound)
        return f"missed {number_text(more / less)} times" if less else "missed"


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: is measured.
        value: ours, as text.
        other: what a user has today, as text; empty where nothing does the same.
        verdict: the target and whether it is met; empty where none is set.
    """

    what: str
    value: str
    other: str = ""
    verdict: str = ""


def alternating(ways: Sequence[Callable[[], float]], rounds: int = ROUNDS) -> list[float]:
    """The median of what each way gives, one round after the other."""
    results: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for kept, way in zip(results, ways, strict=True):
            kept.append(way())
    return [median(kept) for kept in results]


def seconds(act: Callable[[], object]) -> float:
    """How long `act` takes."""
    begin = perf_counter()
    act()
    return perf_counter() - begin


def processor_seconds(act: Callable[[], object]) -> float:
    """How long `act` takes of the processor, the kernel's part included."""
    begin = process_time()
    act()
    return process_time() - begin


def number_text(value: float) -> str:
    """A number as people read it: three digits, or all those before the point."""
    return f"{value:,.0f}" if value >= 999.5 else f"{value:.3g}"


def time_text(duration: float) -> str:
    """Seconds as people read them."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if duration * factor >= 1 or unit == "µs":
            return f"{number_text(duration * factor)} {unit}"
    raise AssertionError


def table(rows: Iterable[Row], ours: str = "mtedbg") -> list[str]:
    """The rows as a Markdown table, columns aligned; `ours` heads the column of our values."""
    cells = [("what", ours, "compared with", "target")]
    cells += [(row.what, row.value, row.other, row.verdict) for row in rows]
    widths = [max(len(line[n]) for line in cells) for n in range(4)]

    def line(words: Sequence[str]) -> str:
        padded = (word.ljust(width) for word, width in zip(words, widths, strict=True))
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [line(cells[0]), rule, *map(line, cells[1:])]
