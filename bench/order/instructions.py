"""AArch64 instructions of one run of a program: in the runtime, in QEMU's user mode, and in box64.

All three run in a VM whose QEMU counts every instruction (native/bench/count_plugin.c), by pages.
Code that is made while the program runs is in mappings of no file, or in none any more: box64
unmaps its own at the end. It runs the host's own C library in place of the program's, and that is
not translated.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.lab import ROOT, BenchError
from bench.native.lab import CROSS, HOST
from bench.native.policies import FOLDER, GONE, CountingVm
from mtedbg.errors import LabError
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from tests.programs.root import inputs, root
from tests.programs.run import ENVIRONMENT, runtime_words
from tests.support.packages import Packages, unpacked
from tests.support.translated import box64

QEMU = Packages("qemu-user", {"qemu-user": "10.0"})
LIMIT_S = 1200
_MADE = ("-", "/memfd:")
_ENVIRONMENT = {**ENVIRONMENT, "BOX64_NOBANNER": "1", "BOX64_LOG": "0"}


@dataclass(frozen=True)
class Instructions:
    """What one process executed in user mode.

    Attributes:
        made: of code that was made from the program's.
        all: these and its translator's.
    """

    made: int
    all: int


@dataclass(frozen=True)
class Translators:
    """A VM that has all three."""

    counter: CountingVm

    def ours(self, command: Sequence[str]) -> Instructions | str:
        """In the runtime; or why not."""
        return self._run(runtime_words(command, [], "/tmp/mtedbg-"))  # noqa: S108: the VM's own

    def qemu(self, command: Sequence[str]) -> Instructions | str:
        """In QEMU's user mode; or why not."""
        program = str(unpacked(QEMU) / "usr/bin/qemu-x86_64")
        return self._run([program, "-L", str(root()), *_here(command)])

    def box64(self, command: Sequence[str]) -> Instructions | str:
        """In box64; or why not."""
        own = str(box64() / "usr/lib/aarch64-linux-gnu")
        start = [str(box64() / "usr/lib/ld-linux-aarch64.so.1"), "--library-path", own]
        guest = str(root() / "usr/lib/x86_64-linux-gnu")
        environment = {"BOX64_LD_LIBRARY_PATH": guest}
        return self._run(
            [*start, str(box64() / "usr/bin/box64"), *_here(command)], environment, unmaps=True
        )

    def _run(
        self,
        words: Sequence[str],
        environment: dict[str, str] | None = None,
        *,
        unmaps: bool = False,
    ) -> Instructions | str:
        try:
            counts = self.counter.counts(
                [str(CROSS / "count_run"), *words],
                str(inputs()),
                {**_ENVIRONMENT, **(environment or {})},
                LIMIT_S,
            )
        except (BenchError, LabError) as error:
            return str(error)
        made = sum(count for name, count in counts.items() if name.startswith(_MADE))
        gone = counts.pop(GONE, 0)  # count_run's as well, for each signal of the process
        return Instructions(
            made + (gone if unmaps else 0), counts.total() + (gone if unmaps else 0)
        )


def _here(command: Sequence[str]) -> list[str]:
    """The program where the VM has it."""
    program = command[0]
    place = root() / program[1:] if program.startswith("/") else inputs() / program
    return [str(place), *command[1:]]


@contextmanager
def translators() -> Iterator[Translators]:
    """A VM with one processor that counts."""
    with tempfile.TemporaryDirectory(prefix="mtedbg-order-") as name:
        plugin = f"{HOST / 'count_plugin.so'},out={Path(name) / 'counts'}"
        shares = [Share(Path(name), FOLDER, writable=True)]
        shares += [Share(each, str(each)) for each in (ROOT, root(), unpacked(QEMU), box64())]
        with boot(shares, MachineOptions(memory_mib=4096, plugin=plugin)) as vm:
            yield Translators(CountingVm(vm, Path(name)))
