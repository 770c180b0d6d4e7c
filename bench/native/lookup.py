"""PC → block in the code map, and a plain binary search on the same sorted vector."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.native.lab import NativeLab, middle, rounds_of
from bench.result import Row, Target

SIZES = (10, 1_000, 1_000_000)
ROUNDS, LOOKUPS = 15, 1_600_000
SITUATIONS = {
    "alone": "alone",
    "reader": "another thread looks up all the time",
    "writer": "a writer changes it all the time",
    "reader-writer": "both of them all the time",
    "waiting-writer": "a writer waits inside of its change",
}
BOUND = 1.2


def measure(lab: NativeLab) -> Iterator[Row]:
    """Random PCs, all of them in a block; processor time of the thread that looks up."""
    rounds, lookups = (1, 1_600) if lab.quick else (ROUNDS, LOOKUPS)
    for size in SIZES[:2] if lab.quick else SIZES:
        found = rounds_of(lab.host("bench_lookup", size, rounds, lookups))
        for name, told in SITUATIONS.items():
            ratio = median(ours / plain for ours, plain in found[name])
            yield Row(
                f"{size:,} blocks, {told}",
                f"{middle(found[name]):.3g} ns",
                f"{middle(found[name], 1):.3g} ns: {ratio:.2f} times",
                Target(BOUND, "times").verdict(ratio),
            )
