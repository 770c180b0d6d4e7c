"""`make bench-native` works: everything small, so that it cannot rot."""

import re
import subprocess
import sys

import pytest

from tests.support.compile import ROOT

TIMEOUT_S = 600


def bench(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bench.native", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip


def test_every_subject_measures_something() -> None:
    done = bench("--quick")
    assert done.returncode == 0, done.stderr
    for row in (
        r"10 blocks, alone +\| [\d.]+ ns",
        r"1,000 blocks, a writer waits inside of its change +\| [\d.]+ ns",
        r"local memop, shared memory: patched; QEMU user mode +\| [\d.]+ µs",
        r"local memop, another core's memory: retagged, patched; VM +\| [\d.]+ [µm]s",
        r"stale core register: reloaded; instructions of the handler +\| [1-9]\d+",
        r"mov rax, \[rbx\], local +\| 3 +\| 2: mov x16, x3; ldr x0, \[x16\] .* met",
        r"lz, policy (seed|sticky|interpret) +\| [1-9][\d,]+ +\| .* \d+ faults",
        r"lz, tier 2 with a profile +\| [1-9][\d,]+ +\| tier 1 [\d,]+: [01]\.\d+ times",
        r"programs, [\d,]+ bytes +\| [\d,]+ bytes/s, [\d.]+ words a byte",
        r"ls / +\| [\d.]+ s +\| qemu-x86_64 [\d.]+ s: [\d.]+ times",
    ):
        assert re.search(rf"^\| {row}", done.stdout, re.MULTILINE), (row, done.stdout)


def test_a_subject_that_there_is_not() -> None:
    done = bench("nonsense")
    assert done.returncode == 2
    assert done.stdout.startswith("bench: no subject 'nonsense'; there are lookup, publish,")


@pytest.mark.parametrize("module", ["bench.order", "bench.libraries"])
def test_a_program_that_there_is_not(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "nonsense"],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert re.match(r"bench: no (run|program) 'nonsense'; there are \w+", done.stdout)
