"""`make bench` works: everything small, so that it cannot rot."""

import subprocess
import sys

from bench.__main__ import OTHERS, SUBJECTS
from tests.support.compile import ROOT

TIMEOUT_S = 600


def test_every_subject_measures_something() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *SUBJECTS, *OTHERS],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for row in (
        "core, GDB: mte-tags --runs",
        "core, LLDB: mte-tags --runs",
        "gdbserver, GDB: mte-tags --runs",
        "$_mte_atag($x0) == 9, 50 other mappings, 25 before it",
        "jit-block, 1,000 ranges, warm",
        "a PC among 4 objects",
        "wasmtime, a core of",
        "GDB 13.1, mtedbg loaded",
        "LLDB 23, first command on a core",
        "10 MiB, 1 thread",
        "1,000 ranges",
        "200 cores read and grouped",
    ):
        assert f"| {row}" in done.stdout, done.stdout


def test_a_subject_that_there_is_not() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nonsense"],
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == (
        "bench: no subject 'nonsense'; there are tags, condition, code_map, jit_list, jits, "
        "startup, cores, triage\n"
    )
