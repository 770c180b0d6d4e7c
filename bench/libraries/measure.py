"""A program in the runtime under a policy: what became of its memops."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.lab import BenchError
from bench.native.lab import CROSS
from mtedbg.lab import user

TIMEOUT_S = 1200


@dataclass(frozen=True)
class Found:
    """What a run left.

    Attributes:
        memops: of its translated code.
        ordered: those that are not local in the end: they order what they access.
        executions: of all memops.
        executions_ordered: of the ordered ones, also while they were local still.
        faults: of all memops.
    """

    memops: int
    ordered: int
    executions: int
    executions_ordered: int
    faults: int

    @property
    def share(self) -> float:
        """How many of the executed accesses are ordered, from 0 to 1."""
        return self.executions_ordered / self.executions if self.executions else 0.0


def run(elf: Path, *options: str) -> Found:
    """Runs a guest program, which checks itself, in one thread.

    Raises:
        BenchError: it did not end well.
    """
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) / "profile"
        command = [user.PROGRAM, "-cpu", user.CPU, CROSS / "mtetso", *options]
        done = subprocess.run(
            [*command, "--profile-out", profile, elf],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
        if (done.returncode, done.stdout, done.stderr) != (0, "", ""):
            raise BenchError(f"{elf.name} {options}: {done}")
        (program,) = json.loads(profile.read_text())["programs"]
    memops = program["memops"]
    ordered = [one for one in memops if one["mode"] != "local"]
    return Found(
        len(memops),
        len(ordered),
        sum(one["executions"] for one in memops),
        sum(one["executions"] for one in ordered),
        sum(one["faults"] for one in memops),
    )
