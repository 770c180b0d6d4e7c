"""Fault, patch, resume; a bare SIGSEGV round trip, and one that writes the same two words."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from bench.native.lab import NativeLab, Rounds, middle, rounds_of
from bench.result import Row, Target, time_text

ROUNDS, FAULTS, PROCESSES = 5, 400, 3
BOUND = 1.5
WAYS = {
    "patch": "local memop, shared memory: patched",
    "retag-patch": "local memop, another core's memory: retagged, patched",
    "retry": "stale core register: reloaded",
}
TELLS_OTHERS = ("patch", "retag-patch")
THREADS = {1: "", 2: "a second thread; "}
BARE, WRITE = "bare", "bare-write"


def measure(lab: NativeLab) -> Iterator[Row]:
    """Times in both kinds of emulation; instructions in user mode, by single steps in the VM."""
    rounds, faults, processes = (1, 10, 1) if lab.quick else (ROUNDS, FAULTS, PROCESSES)
    for place, run in (("QEMU user mode", lab.emulated), ("VM", lab.in_vm)):
        for threads, beside in THREADS.items():
            # Where a process lies in memory decides over some of its time in an emulator.
            words = ("bench_round_trip", "time", rounds, faults, threads)
            found = rounds_of("".join(run(*words) for _ in range(processes)))
            for way, told in WAYS.items():
                if threads == 1 or way in TELLS_OTHERS:
                    yield _timed(f"{told}; {beside}{place}", found, way)
    counts = rounds_of(lab.in_vm("bench_round_trip", "steps"))
    for way, told in WAYS.items():
        yield Row(
            f"{told}; instructions of the handler",
            f"{middle(counts[way]):.0f}",
            f"bare {middle(counts[BARE]):.0f}, bare that writes {middle(counts[WRITE]):.0f}",
        )


def _timed(what: str, found: Rounds, way: str) -> Row:
    pairs = zip(found[way], found[BARE], found[WRITE], strict=True)
    ratios = [(ours[0] / bare[0], ours[0] / write[0]) for ours, bare, write in pairs]
    ratio = median(one for one, _ in ratios)
    texts = [f"bare {time_text(middle(found[BARE]) / 1e9)}: {ratio:.2f} times"]
    if way != "retry":
        beside = median(one for _, one in ratios)
        texts.append(
            f"bare that writes {time_text(middle(found[WRITE]) / 1e9)}: {beside:.2f} times"
        )
    verdict = Target(BOUND, "times").verdict(ratio)
    return Row(what, time_text(middle(found[way]) / 1e9), "; ".join(texts), verdict)
