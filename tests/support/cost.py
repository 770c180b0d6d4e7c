"""What loading mtedbg costs, told so that a slow moment of the machine does not matter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

BUDGET_S = 0.060
"""Processor time that loading mtedbg may add to a debugger's start."""
PYTHON_S = 0.013
"""Processor time of Python's own start on the machine that the budget is meant for."""
RUNS = 9


def load_cost(
    bare: Sequence[str], loaded: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> float:
    """Seconds of processor time that `loaded` takes more than `bare`, each at its least.

    The runs alternate with starts of Python alone: where the machine is slower meanwhile than the
    one that the budget is meant for, the seconds are those of that one.

    Args:
        bare: the words of one command.
        loaded: of the other.
        folder: to run them in.
        environment: to run them with.
    """
    ways = [bare, loaded, [sys.executable, "-c", "pass"]]
    times = [[_once(words, folder, environment) for words in ways] for _ in range(RUNS)]
    least_bare, least_loaded, python = (min(of_one) for of_one in zip(*times, strict=True))
    return (least_loaded - least_bare) / max(1.0, python / PYTHON_S)


def _once(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> float:
    process = subprocess.Popen(
        words, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return usage.ru_utime + usage.ru_stime
