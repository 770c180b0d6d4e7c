"""`jit-block` with up to a million code ranges, in GDB on a core."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from bench.lab import Lab, in_gdb
from bench.result import Row, Target, time_text

SHAPES = ((10, 100), (100, 1000), (1000, 1000))
"""Blocks, and ranges of each."""

RANGE, GAP = 64, 16
PLACES = 64
ROUNDS = 15
KIB = 1024


def measure(lab: Lab) -> Iterator[Row]:
    """A look-up in a session that has read nothing, then in one that was asked before.

    Nothing a user has today does this: the targets are what a person does not notice.
    """
    for blocks, ranges in SHAPES[:1] if lab.quick else SHAPES:
        count = blocks * ranges
        dead = lab.died("code_map", str(blocks), str(ranges))
        random = Random(count)
        places = [
            dead.facts["code"] + random.randrange(count) * RANGE + random.randrange(RANGE - GAP)
            for _ in range(PLACES)
        ]
        found = in_gdb(
            [dead.program, "-c", dead.core], "gdb_code_map", places=places, rounds=ROUNDS
        )
        last = (blocks, ranges) == SHAPES[-1]
        for state, bound in (("cold", 5.0), ("warm", 0.5)):
            size = found[f"{state}_bytes"] / KIB
            verdicts = [
                Target(bound, "ms").verdict(found[state] * 1e3),
                Target(64, "KiB").verdict(size),
            ]
            yield Row(
                f"jit-block, {count:,} ranges, {state}",
                f"{time_text(found[state])}, {size:.3g} KiB read",
                verdict="; ".join(verdicts) if last else "",
            )
