"""Publishing one more block, beside as many before it."""

from __future__ import annotations

from collections.abc import Iterator

from bench.native.lab import NativeLab, middle, rounds_of
from bench.result import Row, Target

OF_RUNTIME = (500, 5_000, 40_000)
OF_ADOPTER = (1_000, 100_000)
ROUNDS = 5
BOUND = 1.3
OTHERS = {"perf-map": "perf map", "jit-interface": "JIT interface"}


def measure(lab: NativeLab) -> Iterator[Row]:
    """Processor time of one block, over the last tenth of them."""
    yield from _row(lab, "runtime", OF_RUNTIME, "runtime: function and block")
    yield from _row(lab, "root", OF_ADOPTER, "a JIT's own code map, by debug_root.h", OTHERS)


Others = dict[str, str]


def _row(
    lab: NativeLab, how: str, sizes: tuple[int, ...], told: str, others: Others | None = None
) -> Iterator[Row]:
    """A row a size; the last has the ratio to the first."""
    rounds = 1 if lab.quick else ROUNDS
    first = 0.0
    for size in sizes:
        took = _took(lab, how, size, rounds)
        first = first or took
        beside = [
            f"{name} {_took(lab, other, size, rounds):.3g} ns"
            for other, name in (others or {}).items()
        ]
        ratio = took / first
        beside += [f"{ratio:.2f} times that of {sizes[0]:,}"] if size != sizes[0] else []
        yield Row(
            f"{told}, {size:,} blocks",
            f"{took:.4g} ns",
            "; ".join(beside),
            Target(BOUND, "times").verdict(ratio) if size == sizes[-1] else "",
        )


def _took(lab: NativeLab, how: str, size: int, rounds: int) -> float:
    return middle(rounds_of(lab.host("bench_publish", how, size, rounds))[how])
