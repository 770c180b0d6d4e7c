"""Allocation tags in GDB: mtedbg's commands, and GDB's own on a sample."""

from __future__ import annotations

from typing import Any

import gdb

from bench.result import alternating, seconds

GRANULE = 16


def measure(settings: dict[str, Any]) -> dict[str, float]:
    """Seconds for all of `size` bytes at `start`; GDB's own from `sample` granules of them."""
    start, size, sample = settings["start"], settings["size"], settings["sample"]
    factor = size / (sample * GRANULE)

    def ours(line: str) -> float:
        return seconds(lambda: gdb.execute(line, to_string=True))

    def print_each() -> float:
        def all_of_them() -> None:
            for address in range(start, start + sample * GRANULE, GRANULE):
                gdb.execute(f"memory-tag print-allocation-tag {address:#x}", to_string=True)

        return seconds(all_of_them) * factor

    def examine() -> float:
        return ours(f"x/{sample * 2}gxm {start:#x}") * factor

    ways = {
        "runs": lambda: ours(f"mte-tags {start:#x} {size} --runs"),
        "regions": lambda: ours("mte-regions --all"),
        "print": print_each,
        "examine": examine,
    }
    ours(f"mte-tags {start:#x} 16")  # what the first command in a process costs is another row
    return dict(zip(ways, alternating(list(ways.values()), settings["rounds"]), strict=True))
