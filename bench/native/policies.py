"""Instructions of whole guest programs: by policy, and tier 1 against tier 2 with a profile."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.lab import ROOT, TIMEOUT_S, BenchError
from bench.native.lab import CROSS, GUESTS, HOST, NativeLab
from bench.result import Row
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm

PROGRAMS = ("lz", "programs", "heap", "queue")
POLICIES = ("seed", "sticky", "follow", "interpret")
DEFAULT = "follow"
FOLDER = "/bench"  # of the VM
CODE = "/memfd:mtetso-code"
GONE = "gone"
PAGE_SHIFT = 12


@dataclass(frozen=True)
class Counts:
    """What one run of a guest program executed in user mode.

    Attributes:
        translated: instructions of the code that it was translated to.
        runtime: all others: dynamic linking, translator, fault handler, host functions.
        faults: of its memops.
    """

    translated: int
    runtime: int
    faults: int


@dataclass(frozen=True)
class CountingVm:
    """A VM whose QEMU counts.

    Args:
        vm: started with the plugin.
        folder: on the host; the VM has it as `FOLDER`.
    """

    vm: Vm
    folder: Path

    def run(self, name: str, policy: str, *options: str) -> Counts:
        """Runs a guest program in the runtime; its profile is left where `profile_of` says."""
        profile = profile_of(name, policy)
        argv = [str(CROSS / "count_run"), str(CROSS / "mtetso"), "--policy", policy, *options]
        argv += ["--profile-out", f"{FOLDER}/{profile}", str(GUESTS / f"{name}.elf")]
        counts = self.counts(argv)
        programs = json.loads((self.folder / profile).read_text())["programs"]
        faults = sum(memop["faults"] for one in programs for memop in one["memops"])
        return Counts(counts[CODE], counts.total() - counts[CODE] - counts[GONE], faults)

    def counts(
        self,
        argv: Sequence[str],
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Counter[str]:
        """Instructions that a command of `count_run` executed, by the names of its mappings.

        Those elsewhere, of `count_run` and the VM's agent, a thousand or so, are `GONE`.

        Raises:
            BenchError: its exit status is not 0.
        """
        result = self.vm.run(argv, cwd=cwd, env=env, timeout_s=timeout_s)
        lines = [line.split() for line in result.stdout.decode().splitlines()]
        if result.exit_status != 0 or ["status", "0"] not in lines:
            raise BenchError(f"{' '.join(argv)} in the VM: {result}")
        maps = [
            (int(words[1], 16), int(words[2], 16), words[3]) for words in lines if words[0] == "map"
        ]
        counts: Counter[str] = Counter()
        for page, count in self._counted():
            mapped = (name for begin, end, name in maps if begin <= page < end)
            counts[next(mapped, GONE)] += count
        return counts

    def _counted(self) -> Iterator[tuple[int, int]]:
        """Page address and instructions, between the last two marks."""
        blocks = (self.folder / "counts").read_text().split("end\n")
        for line in blocks[-2].splitlines():
            page, count = line.split()
            yield int(page, 16) << PAGE_SHIFT, int(count)


def profile_of(name: str, policy: str) -> str:
    """The file in `FOLDER` with the profile of a guest program's last run."""
    return f"{name}-{policy}.json"


def measure(lab: NativeLab) -> Iterator[Row]:
    """Counted by a plugin of QEMU, instruction by instruction, in a VM with one processor."""
    with tempfile.TemporaryDirectory(prefix="mtedbg-bench-") as name:
        folder = Path(name)
        plugin = f"{HOST / 'count_plugin.so'},out={folder / 'counts'}"
        shares = [Share(ROOT, str(ROOT)), Share(folder, FOLDER, writable=True)]
        with boot(shares, MachineOptions(plugin=plugin)) as vm:
            counter = CountingVm(vm, folder)
            for program in PROGRAMS[:1] if lab.quick else PROGRAMS:
                yield from _rows(counter, program)


def _rows(counter: CountingVm, program: str) -> Iterator[Row]:
    found = {policy: counter.run(program, policy) for policy in POLICIES}
    for policy, one in found.items():
        yield Row(
            f"{program}, policy {policy}",
            f"{one.translated:,}",
            f"runtime {one.runtime:,}, with {one.faults} faults",
        )
    first = found[DEFAULT]
    profile = f"{FOLDER}/{profile_of(program, DEFAULT)}"
    second = counter.run(program, DEFAULT, "--profile-in", profile)
    yield Row(
        f"{program}, tier 2 with a profile",
        f"{second.translated:,}",
        f"tier 1 {first.translated:,}: {second.translated / first.translated:.2f} times; "
        f"runtime {second.runtime:,}, with {second.faults} faults",
    )
