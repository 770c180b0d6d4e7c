"""Start-up: processor time and memory of debuggers bare, with mtedbg, and at the first command."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.lab import GDB, GDB_QUIET, LLDB, LOAD_GDB, LOAD_LLDB, Lab
from bench.result import Row, Target, alternating

ROUNDS = 9
DEBIAN_GDB = "gdb-multiarch"


def _cost(words: Sequence[str | Path]) -> tuple[float, int]:
    """Processor time in seconds and the largest resident size in KiB of one run."""
    process = subprocess.Popen(
        list(map(str, words)), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def measure(lab: Lab) -> Iterator[Row]:
    """Medians of runs that alternate; the first command is `mte-fault` on a core."""
    dead = lab.died("sync_fault")
    for name, bare, load, core in (
        ("GDB 18", [GDB, *GDB_QUIET], LOAD_GDB, [dead.program, "-c", dead.core]),
        ("GDB 13.1", [DEBIAN_GDB, *GDB_QUIET], LOAD_GDB, [dead.program, "-c", dead.core]),
        ("LLDB 23", [LLDB, "-x", "-b"], LOAD_LLDB, [dead.program, "-c", dead.core]),
    ):
        first = ["-o" if name.startswith("LLDB") else "-ex", "mte-fault"]
        ways = ([*bare], [*bare, *load], [*bare, *core], [*bare, *load, *core, *first])
        sizes = [0] * len(ways)

        def run(index: int, ways: Sequence[list[str]] = ways, sizes: list[int] = sizes) -> float:
            duration, size = _cost(ways[index])
            sizes[index] = max(sizes[index], size)
            return duration

        acts = [partial(run, index) for index in range(len(ways))]
        times = alternating(acts, 1 if lab.quick else ROUNDS)
        yield _row(f"{name}, mtedbg loaded", times[:2], sizes[:2], "bare", 60)
        yield _row(f"{name}, first command on a core", times[2:], sizes[2:], "the core alone", None)


def _row(what: str, times: list[float], sizes: list[int], name: str, bound: float | None) -> Row:
    (other, ours), (small, large) = ([one * 1e3 for one in times], [one / 1024 for one in sizes])
    more = ours - other
    return Row(
        what,
        f"{ours:.0f} ms, {large:.0f} MiB: +{more:.0f} ms, +{large - small:.0f} MiB",
        f"{name} {other:.0f} ms, {small:.0f} MiB",
        Target(bound, "ms").verdict(max(more, 1)) if bound else "",
    )
