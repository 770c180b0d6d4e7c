"""Litmus tests on real threads in the VM, as many rounds as one likes: `python -m …stress`.

QEMU runs the VM's processors at once but keeps more order than Arm must: what this can show are
mistakes of the protocol and crashes, under preemption and migration, not weak memory.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from mtedbg.lab import paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.support.compile import ROOT

CPUS = 4
TIMEOUT_S = 3600.0
TESTS = ("MP", "SB", "LB", "CoRR", "IRIW", "2+2W")
PINNED = ("--threads", "threads", "--cores", "4")
MOVED = ("--threads", "threads", "--core-id", "rseq-strict")
"""Threads that the kernel moves as it likes; more of them than processors are idle."""
WAYS = (
    PINNED,
    (*PINNED, "--shared-tag", "15", "--claim-threshold", "2"),
    MOVED,
    (*MOVED, "--shared-tag", "15", "--claim-threshold", "2"),
    (*PINNED, "--policy", "interpret"),
)


@dataclass(frozen=True)
class Histogram:
    """What became of a test's rounds.

    Attributes:
        status: the guest's exit status: 1 where x86 does not have one of the outcomes.
        counts: of each outcome, by the guest's numbers.
        moves: how often a thread was on another core than the round before.
        said: what the runtime wrote to standard error.
    """

    status: int
    counts: tuple[int, ...]
    moves: int
    said: str


@contextlib.contextmanager
def machine() -> Iterator[Vm]:
    """A VM with four processors and the checkout in it."""
    with boot([Share(ROOT, str(ROOT))], MachineOptions(cpus=CPUS)) as vm:
        yield vm


def run(vm: Vm, test: str, rounds: int, options: tuple[str, ...]) -> Histogram:
    """Runs so many rounds of a test."""
    guest = str(paths.guests() / "stress.elf")
    argv = [str(paths.runtime()), *options, guest, test, str(rounds)]
    done = vm.run(argv, timeout_s=TIMEOUT_S)
    words = done.stdout.decode().split()
    said = done.stderr.decode()
    if words[:1] != [test]:
        return Histogram(done.shell_status(), (), 0, said)
    end = words.index("moves")
    return Histogram(done.shell_status(), tuple(map(int, words[1:end])), int(words[end + 1]), said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1_000_000, help="of each test in each way")
    rounds = parser.parse_args().rounds
    failed = False
    with machine() as vm:
        for test in TESTS:
            for way in WAYS:
                begin = time.monotonic()
                found = run(vm, test, rounds, way)
                failed |= found.status != 0
                print(f"{test:5} {' '.join(way)}: status {found.status}", *found.counts, end=" ")
                print(f"moves {found.moves} {time.monotonic() - begin:.1f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
