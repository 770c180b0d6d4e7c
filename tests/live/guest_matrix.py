"""`make guests`: every self-checking guest program, in every way, under QEMU and in the VM.

Programs, each at three levels of optimisation; both conventions of the shared tag; all policies;
lockstep and threads. What each prints is what the same source prints as an ordinary x86-64 program.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mtedbg.lab import paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.live.test_runtime_guests import oracle, start
from tests.support.compile import ROOT

THREADED = ("locks", "mover", "queue", "threadlocal", "numbers")
PROGRAMS = (
    "programs",
    "lz",
    *THREADED[:2],
    "heap",
    "bytecode",
    THREADED[2],
    "callbacks",
    *THREADED[3:],
)
LEVELS = ("", "-O0", "-Os")
POLICIES = ("seed", "sticky", "follow", "interpret")
CPUS = 4
TIMEOUT_S = 600.0
THREADS = (
    ("--threads", "lockstep", "--schedule", "seed:5"),
    ("--threads", "threads", "--cores", "4"),
)


@dataclass(frozen=True)
class Way:
    """One cell of the matrix."""

    program: str
    level: str
    tag: int
    policy: str
    threads: tuple[str, ...]

    def words(self) -> list[str]:
        """For the runtime."""
        options = ["--shared-tag", str(self.tag), "--policy", self.policy, *self.threads]
        return [*options, str(paths.guests() / f"{self.program}{self.level}.elf")]

    def __str__(self) -> str:
        return " ".join([f"{self.program}{self.level}", *self.words()[:-1]])


Run = Callable[[Way], tuple[int, str, str]]
"""Runs one: exit status, standard output, standard error."""


def ways() -> list[Way]:
    """The whole matrix."""
    axes = itertools.product(PROGRAMS, LEVELS, (0, 15), POLICIES, THREADS)
    return [Way(*axis) for axis in axes]


def some_ways() -> list[Way]:
    """Each program once: levels, tags and policies take turns; what has threads has them.

    Interpreted is the last, a short one: each of its accesses is a signal.
    """
    step = (len(PROGRAMS) - 1) / (len(POLICIES) - 1)
    return [
        Way(
            program,
            LEVELS[i % 3],
            (0, 15)[i % 2],
            POLICIES[int(i / step)],
            THREADS[program in THREADED],
        )
        for i, program in enumerate(PROGRAMS)
    ]


def wrong(way: Way, run: Run) -> str:
    """What a run did other than the program natively; empty where nothing."""
    status, printed, said = run(way)
    expected = oracle(way.program)
    if (status, printed, said) == (0, expected, ""):
        return ""
    return f"{way}: status {status}, {said or printed[-200:]!r}"


def under_qemu(way: Way) -> tuple[int, str, str]:
    """In QEMU's user mode."""
    done = start(way.words())
    return done.returncode, done.stdout, done.stderr


def in_vm(vm: Vm) -> Run:
    """In a VM that is up."""

    def run(way: Way) -> tuple[int, str, str]:
        done = vm.run([str(paths.runtime()), *way.words()], timeout_s=TIMEOUT_S)
        return done.shell_status(), done.stdout.decode(), done.stderr.decode()

    return run


def _each(where: str, judge: Callable[[Way], str]) -> int:
    """Judges the whole matrix; a line for each program at each level. How many were wrong."""
    begin, bad = time.monotonic(), 0
    for (program, level), some in itertools.groupby(ways(), lambda way: (way.program, way.level)):
        chosen, since = list(some), time.monotonic()
        with ThreadPoolExecutor(1 if where == "VM" else os.cpu_count()) as pool:
            said = [one for one in pool.map(judge, chosen) if one]
        bad += len(said)
        print(f"{where}: {program}{level}: {len(chosen)} ways, {len(said)} wrong", *said, end=" ")
        print(f"{time.monotonic() - since:.0f} s", flush=True)
    print(f"{where}: {len(ways())} runs, {bad} wrong, {time.monotonic() - begin:.0f} s", flush=True)
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live.guest_matrix", description=__doc__)
    parser.parse_args()
    bad = _each("QEMU user mode", lambda way: wrong(way, under_qemu))
    with boot([Share(ROOT, str(ROOT))], MachineOptions(cpus=CPUS)) as vm:
        bad += _each("VM", lambda way: wrong(way, in_vm(vm)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
