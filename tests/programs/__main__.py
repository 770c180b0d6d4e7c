"""`python -m tests.programs`: every program in every way; a table of what was the same.

What has run with the same runtime does not run again: an interrupted call goes on where it was, and
calls for some programs or places add up. Its table has all that was ever asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.programs.mutated import HEADERS, LOADED, damaged
from tests.programs.results import Job, Result, Results, current
from tests.programs.root import inputs, root, versions
from tests.programs.run import Run, difference, in_vm, machine, moved_ways, under_qemu, ways
from tests.programs.table import PROGRAMS, Program

QEMU, VM, MOVED = "qemu", "vm", "moved"
PLACES = (QEMU, VM)
# Each of the eight ways is in one half; in each half, every two values of two options meet.
HALVES = {QEMU: (0, 3, 5, 6), VM: (1, 2, 4, 7)}


def main() -> int:
    """Runs them; 0 where nothing differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs", description=__doc__)
    parser.add_argument("--match", default="", help="only programs with this in their names")
    parser.add_argument("--places", default=",".join(PLACES), help="qemu, vm or both")
    parser.add_argument("--ways", help="numbers of the ways, from 0; by default half of them each")
    parser.add_argument("--moved", type=int, default=0, metavar="RUNS",
                        help="instead: programs with threads, so often, in the VM, their threads"
                        " moved from processor to processor all the while")  # fmt: skip
    parser.add_argument("--anew", action="store_true", help="run again what has run")
    parser.add_argument("--mutants", type=int, help="only damaged programs, so many")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="under QEMU")
    arguments = parser.parse_args()
    if arguments.mutants:
        return _mutants(arguments.mutants, arguments.workers)
    results = current()
    places = [MOVED] if arguments.moved else arguments.places.split(",")
    chosen = [one for one in PROGRAMS if arguments.match in one.name]
    jobs = {
        (program, place): _jobs(program, place, arguments.ways, arguments.moved)
        for place, program in itertools.product(places, chosen)
    }
    if arguments.anew:
        results.forget(itertools.chain(*jobs.values()))
    begin = time.monotonic()
    for place in places:
        _run(place, {one: jobs[one, place] for one in chosen}, results, arguments.workers)
    took_s = time.monotonic() - begin
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(*_table(chosen, places, jobs, results), sep="\n")
    found = results.of(itertools.chain(*jobs.values()))
    wrong = [one.difference for one in found if one.difference]
    print(*(f"    {one}" for one in wrong), sep="\n")
    print(f"{len(found)} runs, {len(wrong)} differ; {sum(one.took_s for one in found):.0f} s")
    print(f"now: {took_s:.0f} s, of processors {usage.ru_utime + usage.ru_stime:.0f} s")
    return 1 if wrong else 0


def _jobs(program: Program, place: str, numbers: str | None, moved: int) -> list[Job]:
    """The runs of a program in a place."""
    if place == MOVED:
        some = moved_ways()
        commands = [tuple(program.runs[number]) for number in program.moved]
        return [
            Job(place, command, some[number % len(some)], number)
            for command, number in itertools.product(commands, range(moved))
        ]
    chosen = map(int, numbers.split(",")) if numbers else HALVES[place]
    options = [ways()[number] for number in chosen]
    pairs = itertools.product(program.runs, options)
    return [Job(place, tuple(command), way) for command, way in pairs]


def _run(place: str, jobs: dict[Program, list[Job]], results: Results, workers: int) -> None:
    """Runs what is missing, and prints a line for each program and each difference."""
    if not any(map(results.missing, jobs.values())):
        return
    with _place(place) as run:
        for program, all_of_them in jobs.items():
            if missing := results.missing(all_of_them):
                since = time.monotonic()
                _each(run, program, missing, results, workers if place == QEMU else 1)
                took_s = time.monotonic() - since
                print(f"{program.name}, {place}: {len(missing)} runs, {took_s:.0f} s", flush=True)


def _each(
    run: Run, program: Program, missing: Sequence[Job], results: Results, workers: int
) -> None:
    pool = ThreadPoolExecutor(workers)
    try:
        running = {pool.submit(_result, run, job, program.limit_s): job for job in missing}
        for one in as_completed(running):
            results.add(running[one], one.result())
            if one.result().difference:
                print(f"    {one.result().difference}", flush=True)
    finally:  # at Ctrl-C as well, nothing is begun any more
        pool.shutdown(cancel_futures=True)


def _result(run: Run, job: Job, limit_s: float) -> Result:
    since = time.monotonic()
    ended = run(job.command, job.options, limit_s)
    took_s = time.monotonic() - since
    wrong = difference(job.command, job.options, ended)
    if not wrong and job.place == MOVED and ended.bound < 1:
        wrong = f"{' '.join(job.command)}: its threads were not moved"
    return Result(wrong, round(took_s, 1), ended.bound)


def _table(
    chosen: Sequence[Program],
    places: Sequence[str],
    jobs: dict[tuple[Program, str], list[Job]],
    results: Results,
) -> Iterator[str]:
    """Programs by places: how many runs differ, of how many, and their seconds."""
    yield f"| program | version | {' | '.join(places)} |"
    yield f"|---|---|{'---|' * len(places)}"
    for program in chosen:
        if not any(jobs[program, place] for place in places):
            continue
        version = versions()[program.package] if program.package else "compiled here"
        cells = [_cell(jobs[program, place], results) for place in places]
        yield f"| {program.name} | {version} | {' | '.join(cells)} |"


def _cell(jobs: Sequence[Job], results: Results) -> str:
    found = results.of(jobs)
    wrong = sum(bool(one.difference) for one in found)
    text = f"{wrong} of {len(found)} differ, {sum(one.took_s for one in found):.0f} s"
    if bound := sum(one.bound for one in found):
        text += f", {bound} times bound"
    return text


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
    if place == QEMU:
        yield under_qemu
        return
    with machine() as vm:
        yield in_vm(vm, moved=place == MOVED)


if __name__ == "__main__":
    sys.exit(main())
