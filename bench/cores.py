"""The first full report on cores of any size, compared with GDB and LLDB on the same file."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.lab import GDB, LLDB, Dead, Lab
from bench.result import Row, Target, alternating, time_text

ROUNDS = 5
MIB, GIB = 1 << 20, 1 << 30
WRITTEN = 6
"""Mebibytes that the program has written to."""

SHAPES = ((10 * MIB, 1), (GIB, 64), (16 * GIB, 64), (GIB, 1024))
"""Bytes of the file, and threads."""

RANGES = (1000, 1000)
_HEADER = struct.Struct("<IIQQQQQQ")
_FAR = 1 << 46
_MOST = 200 * 1024
"""KiB that a reader may take over the file."""


@dataclass
class Cost:
    """One run: seconds, and the largest resident size in KiB."""

    seconds: float
    resident: int


def grown(core: Path, size: int, folder: Path) -> Path:
    """The core with memory that was never written to, so that the file has `size` bytes.

    The new segment is a hole at the end of the file; the table of program headers stands behind it.
    """
    made = folder / f"{core.parent.name}-{size}"
    subprocess.run(["cp", "--sparse=always", core, made], check=True)
    with made.open("r+b") as file:
        head = bytearray(file.read(64))
        start, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
        file.seek(start)
        table = file.read(count * _HEADER.size)
        hole = (file.seek(0, os.SEEK_END) + 4095) // 4096 * 4096
        length = (size - hole - len(table) - _HEADER.size) // 4096 * 4096
        if length > 0:
            table += _HEADER.pack(1, 6, hole, _FAR, 0, length, length, 4096)
            struct.pack_into("<Q", head, 32, hole + length)
            struct.pack_into("<H", head, 56, count + 1)
            file.seek(hole + length)
            file.write(table)
            file.seek(0)
            file.write(head)
    return made


def run(words: Sequence[str | Path], costs: list[Cost], most_status: int = 0) -> float:
    """Runs a program to its end, whose exit status is at most `most_status`; seconds."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, words)), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not 0 <= process.returncode <= most_status:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}")
    costs.append(Cost(time.perf_counter() - begin, usage.ru_maxrss))
    return costs[-1].seconds


def ways(core: Path, dead: Dead) -> list[tuple[str, list[str | Path]]]:
    """The full report, and what asks signal, all backtraces and one tag of a debugger."""
    place = f"{dead.facts['memory']:#x}"
    ours = [sys.executable, "-m", "mtedbg", "core", core, "--exe", dead.program]
    gdb = [GDB, "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", dead.program]
    gdb += ["-c", core, "-ex", "p $_siginfo", "-ex", "thread apply all bt"]
    gdb += ["-ex", f"memory-tag print-allocation-tag {place}"]
    lldb = [LLDB, "-x", "-b", "-c", core, dead.program, "-o", "thread list", "-o", "bt all"]
    lldb += ["-o", f"memory tag read {place}"]
    return [("mtedbg core", ours), ("GDB", gdb), ("LLDB", lldb)]


def measure(lab: Lab) -> Iterator[Row]:
    """Wall time and largest resident size; medians of runs that alternate."""
    for size, threads in SHAPES[:1] if lab.quick else SHAPES:
        dead = lab.died("many_threads", str(threads), str(WRITTEN))
        core = grown(dead.core, size, lab.folder)
        what = f"{_size(size)}, {threads:,} thread{'s' if threads > 1 else ''}"
        yield from _rows(lab, what, ways(core, dead))
        core.unlink()
    yield from _calls(lab)
    blocks, ranges = (10, 100) if lab.quick else RANGES
    dead = lab.died("code_map", str(blocks), str(ranges))
    words = [sys.executable, "-m", "mtedbg", "core", dead.core, "--exe", dead.program]
    costs: list[Cost] = []
    # Its root has the code map only: what the report asks of guest frames is refused.
    act = partial(run, words, costs, most_status=1)
    (median,) = alternating([act], 1 if lab.quick else ROUNDS)
    yield Row(f"{blocks * ranges:,} ranges", _text(median, costs), verdict=_memory(costs))


def _calls(lab: Lab) -> Iterator[Row]:
    """The first report with unwinding and lines, beside GDB's `bt` alone."""
    dead = lab.died("many_threads", "1", str(WRITTEN))
    ours = [sys.executable, "-m", "mtedbg", "core", dead.core, "--exe", dead.program]
    gdb = [GDB, "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", dead.program]
    both = [("mtedbg core", ours), ("GDB's bt", [*gdb, "-c", dead.core, "-ex", "bt"])]
    yield from _rows(lab, "calls and lines", both)


def _rows(lab: Lab, what: str, all_ways: list[tuple[str, list[str | Path]]]) -> Iterator[Row]:
    costs: list[list[Cost]] = [[] for _ in all_ways]
    acts = [partial(run, words, kept) for (_, words), kept in zip(all_ways, costs, strict=True)]
    medians = alternating(acts, 1 if lab.quick else ROUNDS)
    for number, (name, _) in enumerate(all_ways[1:], 1):
        verdict = Target(1, "times", at_least=True).verdict(medians[number] / medians[0])
        if number == 1:
            verdict = f"{verdict}; {_memory(costs[0])}"
        yield Row(
            what,
            _text(medians[0], costs[0]),
            f"{name} {_text(medians[number], costs[number])}:"
            f" {medians[number] / medians[0]:.2g} times",
            verdict,
        )


def _size(size: int) -> str:
    return f"{size // GIB} GiB" if size >= GIB else f"{size // MIB} MiB"


def _text(seconds: float, costs: list[Cost]) -> str:
    return f"{time_text(seconds)}, {max(one.resident for one in costs) >> 10} MiB"


def _memory(costs: list[Cost]) -> str:
    return Target(_MOST >> 10, "MiB").verdict(max(one.resident for one in costs) >> 10)
