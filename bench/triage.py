"""Triage of many small cores, each read once, on all processors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.lab import Lab
from bench.result import Row, Target

COUNT = 10_000
KINDS = (("sync_fault",), ("sync_fault", "straddle"), ("async_fault",), ("abort",), ("threads",))


def measure(lab: Lab) -> Iterator[Row]:
    """Cores a second: kernel cores of five deaths, copied; then what was read is asked again."""
    count = 200 if lab.quick else COUNT
    place = lab.folder / "triage"
    place.mkdir()
    cores = [lab.died(*kind).core for kind in KINDS]
    for number in range(count):
        _copy(cores[number % len(cores)], place / f"core.{number}")
    words = [sys.executable, "-m", "mtedbg", "triage", str(place), "--state", str(lab.folder / "s")]
    for what in ("read and grouped", "grouped again"):
        begin = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        rate = count / (time.perf_counter() - begin)
        if not done.stdout.startswith(f"{count} files, "):
            raise RuntimeError(done.stdout)
        verdict = Target(200, "a second", at_least=True).verdict(rate)
        yield Row(f"{count:,} cores {what}", f"{rate:.0f} a second", verdict=verdict)
    shutil.rmtree(place)


def _copy(core: Path, to: Path) -> None:
    """Shares the contents on disk where that can be: what is measured is not the disk."""
    os.link(core, to)
