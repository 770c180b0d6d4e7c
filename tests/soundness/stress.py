"""Litmus tests on real threads in the VM, as many rounds as one likes: `make stress`.

QEMU runs the VM's processors at once but keeps more order than Arm must: what this can show are
mistakes of the protocol and crashes, under preemption and migration, not weak memory. Threads that
are not pinned are moved from outside all the while, in the middle of anything (`shaker.c`): left
alone, the kernel seldom does.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from mtedbg.lab import paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.support import shaken
from tests.support.compile import ROOT

CPUS = 4
TIMEOUT_S = 3600.0
TESTS = ("MP", "SB", "LB", "CoRR", "IRIW", "2+2W")
DEFAULT_POLICY = "follow"
STICKY = ("--policy", "sticky")
CLAIMS = ("--shared-tag", "15", "--claim-threshold", "2")


@dataclass(frozen=True)
class Way:
    """How the runtime is run, and whether its threads are moved."""

    options: tuple[str, ...]
    moved: bool

    @property
    def policy(self) -> str:
        """`--policy`, as given or by default."""
        words = self.options
        if "--policy" in words:
            return words[words.index("--policy") + 1]
        return "sticky" if set(CLAIMS) <= set(words) else DEFAULT_POLICY

    def __str__(self) -> str:
        return " ".join((*self.options, *(["moved"] if self.moved else [])))


def _pinned(*options: str) -> Way:
    return Way(("--threads", "threads", "--cores", "4", *options), moved=False)


def _owning(*options: str) -> Way:
    """Threads own memory, and go where the kernel has them go."""
    return Way(("--threads", "threads", "--core-id", "thread", *options), moved=False)


def _moved(source: str, *options: str) -> Way:
    return Way(("--threads", "threads", "--core-id", source, *options), moved=True)


WAYS = (
    _pinned(*STICKY),
    _pinned(*CLAIMS),
    _pinned("--policy", "interpret"),
    _pinned(),
    _owning("--memops-start", "either", "--shared-tag", "15"),
    _moved("rseq-strict", *STICKY),
    _moved("rseq-strict", *CLAIMS),
    _moved("rseq-strict", "--policy", "interpret", "--shared-tag", "15"),
    _moved("rseq-read", *STICKY),
    _moved("rseq-read", *CLAIMS),
    _moved("rseq-strict"),
    _moved("rseq-strict", "--memops-start", "shared", "--shared-tag", "15"),
    _moved("rseq-read"),
)


@dataclass(frozen=True)
class Histogram:
    """What became of a test's rounds.

    Attributes:
        status: the guest's exit status: 1 where x86 does not have one of the outcomes.
        counts: of each outcome, by the guest's numbers.
        moves: how often a thread was on another core than the round before.
        bound: how often a thread was bound to a processor.
        said: what the runtime wrote to standard error.
    """

    status: int
    counts: tuple[int, ...]
    moves: int
    bound: int
    said: str


@contextlib.contextmanager
def machine() -> Iterator[Vm]:
    """A VM with four processors and the checkout in it."""
    with boot([Share(ROOT, str(ROOT))], MachineOptions(cpus=CPUS)) as vm:
        yield vm


def run(vm: Vm, test: str, rounds: int, way: Way, seed: int = 1) -> Histogram:
    """Runs so many rounds of a test."""
    shaker = shaken.words(seed) if way.moved else []
    guest = str(paths.guests() / "stress.elf")
    argv = [*shaker, str(paths.runtime()), *way.options, guest, test, str(rounds)]
    done = vm.run(argv, timeout_s=TIMEOUT_S)
    output, bound = shaken.bound(done.stdout) if way.moved else (done.stdout, 0)
    words = output.decode().split()
    said = done.stderr.decode()
    if words[:1] != [test]:
        return Histogram(done.shell_status(), (), 0, 0, said)
    end = words.index("moves")
    counts = tuple(map(int, words[1:end]))
    return Histogram(done.shell_status(), counts, int(words[end + 1]), bound, said)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1_000_000, help="of all tests in all ways")
    parser.add_argument("--seed", type=int, default=1, help="of the moves")
    parser.add_argument("--policy", help="only ways of this one")
    options = parser.parse_args()
    ways = [way for way in WAYS if options.policy in (None, way.policy)]
    each = -(-options.rounds // (len(TESTS) * len(ways)))
    failed, total, moves, bound = False, 0, 0, 0
    with machine() as vm:
        for way, test in itertools.product(ways, TESTS):
            begin = time.monotonic()
            found = run(vm, test, each, way, options.seed)
            failed |= (found.status, found.said) != (0, "")
            total, moves, bound = total + each, moves + found.moves, bound + found.bound
            print(f"{test:5} {way}: status {found.status}", *found.counts, found.said, end=" ")
            print(f"moves {found.moves} of {found.bound} {time.monotonic() - begin:.1f} s")
            print(f"{total} rounds, {moves} moves seen, {bound} made", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
