"""Translation: guest bytes a second and AArch64 words a guest byte, and decoding alone."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.native.lab import GUESTS, NativeLab, middle, rounds_of
from bench.result import Row

PROGRAMS = ("programs", "programs-O0", "lz", "bytecode")
ROUNDS = 9


def measure(lab: NativeLab) -> Iterator[Row]:
    """Whole programs at once, as the engine does, without committing them."""
    rounds = 1 if lab.quick else ROUNDS
    for name in PROGRAMS[:1] if lab.quick else PROGRAMS:
        found = rounds_of(lab.emulated("bench_translate", rounds, GUESTS / f"{name}.elf"))
        size, words = middle(found["bytes"]), middle(found["words"])
        took, alone = middle(found["translate"]), middle(found["decode"])
        pairs = zip(found["translate"], found["decode"], strict=True)
        ratio = median(ours[0] / theirs[0] for ours, theirs in pairs)
        yield Row(
            f"{name}, {size:,.0f} bytes",
            f"{size / took * 1e9:,.0f} bytes/s, {words / size:.2f} words a byte",
            f"decoding alone {size / alone * 1e9:,.0f} bytes/s: {ratio:.2f} times as long",
        )
