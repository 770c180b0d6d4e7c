"""`python -m tests.programs`: every program in every way; a table of what was the same."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from tests.programs.mutated import HEADERS, LOADED, damaged
from tests.programs.root import inputs, root, versions
from tests.programs.run import Run, difference, in_vm, under_qemu, ways
from tests.programs.table import PROGRAMS, Program
from tests.support.compile import ROOT

PLACES = ("qemu", "vm")
# Each of the eight ways is in one half; in each half, every two values of two options meet.
HALVES = ((0, 3, 5, 6), (1, 2, 4, 7))
CPUS = 4
MEMORY_MIB = 4096


def main() -> int:
    """Runs them; 0 where nothing differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs", description=__doc__)
    parser.add_argument("--match", default="", help="only programs with this in their names")
    parser.add_argument("--places", default=",".join(PLACES), help="qemu, vm or both")
    parser.add_argument("--ways", help="numbers of the ways, from 0; by default half of them each")
    parser.add_argument("--mutants", type=int, help="only damaged programs, so many")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="under QEMU")
    arguments = parser.parse_args()
    if arguments.mutants:
        return _mutants(arguments.mutants, arguments.workers)
    chosen = [one for one in PROGRAMS if arguments.match in one.name]
    begin, bad = time.monotonic(), 0
    for place, half in zip(PLACES, HALVES, strict=True):
        if place not in arguments.places.split(","):
            continue
        numbers = map(int, arguments.ways.split(",")) if arguments.ways else half
        some = [ways()[number] for number in numbers]
        with (
            _place(place) as run,
            ThreadPoolExecutor(arguments.workers if place == "qemu" else 1) as pool,
        ):
            for program in chosen:
                bad += _program(program, place, some, run, pool)
    print(f"{len(chosen)} programs, {bad} runs differ, {time.monotonic() - begin:.0f} s")
    return 1 if bad else 0


def _program(
    program: Program,
    place: str,
    some: Sequence[tuple[str, ...]],
    run: Run,
    pool: ThreadPoolExecutor,
) -> int:
    """Prints the program's row, and a line for each difference; how many there are."""
    since = time.monotonic()
    pairs = [(command, way) for command in program.runs for way in some]
    judge = partial(difference, limit_s=program.limit_s, run=run)
    wrong = [one for one in pool.map(lambda pair: judge(*pair), pairs) if one]
    version = versions()[program.package] if program.package else "compiled here"
    took = time.monotonic() - since
    runs = f"{len(program.runs)} runs, {len(some)} ways"
    cells = (program.name, version, place, runs, f"{len(wrong)} differ", f"{took:.0f} s")
    print("", *cells, "", sep=" | ", flush=True)
    for line in wrong:
        print(f"    {line}", flush=True)
    return len(wrong)


def _mutants(count: int, workers: int) -> int:
    """Prints what damaged programs did; 1 where one ended wrongly."""
    since, wrong = time.monotonic(), []
    for program, end in (
        (inputs() / "pthreads-static", HEADERS),
        (root() / "usr/bin/true", LOADED),
    ):
        wrong += damaged(program, end, count // 2, workers)
    for line in wrong:
        print(f"    {line}", flush=True)
    took = time.monotonic() - since
    print(f"{count // 2 * 2} damaged programs, {len(wrong)} ended wrongly, {took:.0f} s")
    return 1 if wrong else 0


@contextlib.contextmanager
def _place(place: str) -> Iterator[Run]:
    if place == "qemu":
        yield under_qemu
        return
    shares = [Share(each, str(each), in_use=False) for each in (ROOT, root())]
    with boot(shares, MachineOptions(cpus=CPUS, memory_mib=MEMORY_MIB)) as vm:
        yield in_vm(vm)


if __name__ == "__main__":
    sys.exit(main())
