"""What the subjects share: the built programs, where they run, and how their lines are read."""

from __future__ import annotations

import contextlib
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median

from bench.lab import ROOT, TIMEOUT_S, BenchError
from mtedbg.lab import user
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm

HOST = ROOT / "native/build/host"
CROSS = ROOT / "native/build/cross"
GUESTS = CROSS / "guests"

Rounds = dict[str, list[list[float]]]


def rounds_of(output: str) -> Rounds:
    """Lines `NAME NUMBER…`: the numbers of each line, by name."""
    found: Rounds = defaultdict(list)
    for line in output.splitlines():
        name, *numbers = line.split()
        found[name].append([float(number) for number in numbers])
    return found


def middle(rounds: Sequence[Sequence[float]], column: int = 0) -> float:
    """The median of one column."""
    return median(line[column] for line in rounds)


@dataclass
class NativeLab:
    """Where the runtime's parts run.

    Attributes:
        quick: whether to measure little, and once.
        closing: ends the VM, where one was started.
    """

    quick: bool
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @cached_property
    def vm(self) -> Vm:
        """A VM with two CPUs and this checkout, booted when it is first asked for."""
        options = MachineOptions(cpus=2)
        return self.closing.enter_context(boot([Share(ROOT, str(ROOT))], options))

    def host(self, program: str, *arguments: object) -> str:
        """What a program of the host build prints."""
        return self._printed([HOST / program, *map(str, arguments)])

    def emulated(self, program: str, *arguments: object) -> str:
        """What a program of the AArch64 build prints under QEMU's user mode."""
        return self._printed(
            [user.PROGRAM, "-cpu", user.CPU, CROSS / program, *map(str, arguments)]
        )

    def in_vm(self, program: str, *arguments: object) -> str:
        """The same in the VM, on a real kernel."""
        argv = [str(CROSS / program), *map(str, arguments)]
        result = self.vm.run(argv, timeout_s=TIMEOUT_S)
        if result.exit_status != 0:
            raise BenchError(f"{' '.join(argv)} in the VM: {result}")
        return result.stdout.decode()

    def _printed(self, command: Sequence[str | Path]) -> str:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        if done.returncode != 0:
            raise BenchError(f"{command}: status {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout


@contextlib.contextmanager
def lab(*, quick: bool) -> Iterator[NativeLab]:
    """A lab; its VM, if it was used, is gone afterwards."""
    room = NativeLab(quick)
    with room.closing:
        yield room
