"""Makes the frozen cores anew: `python -m tests.golden.freeze`. Seldom: answers change with them.

The programs of `tests/support/programs/` and the runtime run in the Linux VM from a folder that has
the same name on every machine, so that nothing of this one is in the cores. The runtime's program
is not kept: what it says of itself must be enough.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mtedbg.adapters.core import CoreTarget
from mtedbg.lab import paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import LabResult, Vm
from mtedbg.model.absent import Absent
from tests.golden.cases import CORES, PROVENANCE
from tests.support.compile import COMPILER, PROGRAMS
from tests.support.cores import CASES, Case, parse_facts

GUEST_FOLDER = "/frozen"
RUNTIME = {
    "runtime-thunk": ("crash.elf",),
    "runtime-lockstep": ("--no-handler", "message.elf"),
    "runtime-threads": (
        "--no-handler",
        "--threads",
        "threads",
        "--shared-tag",
        "15",
        "message.elf",
    ),
}
FROZEN = ("sync", "straddle", "filtered", "async", "heap", "abort")


def build(name: str, folder: Path) -> Path:
    """A program without debug information and without this machine's paths."""
    program = folder / name
    command = [*COMPILER, "-g0", f"-ffile-prefix-map={PROGRAMS}=.", str(PROGRAMS / f"{name}.c")]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def pack(contents: bytes, name: str) -> None:
    """Compressed so that the same contents give the same file."""
    (CORES / name).write_bytes(gzip.compress(contents, 9, mtime=0))


def die(vm: Vm, argv: list[str], environment: dict[str, str], place: Path) -> LabResult:
    """Runs a program that leaves one core in `place`."""
    place.mkdir()
    result = vm.run(argv, env=environment, cores_to=place, timeout_s=60)
    assert len(result.cores) == 1, result
    return result


def freeze_program(vm: Vm, name: str, case: Case, folder: Path) -> dict[str, object]:
    """Keeps the core of one of the C programs; returns its provenance."""
    argv = [f"{GUEST_FOLDER}/{case.program}", *case.arguments]
    environment = {"PATH": "/usr/bin", **dict(case.environment)}
    result = die(vm, argv, environment, folder / f"{name}.cores")
    facts = parse_facts(result.stdout)
    return keep(name, result, argv, case.program, facts["pointer"][0]) | {"env": environment}


def freeze_runtime(vm: Vm, name: str, words: tuple[str, ...], folder: Path) -> dict[str, object]:
    """Keeps a core of the runtime; returns its provenance."""
    *options, guest = words
    argv = [f"{GUEST_FOLDER}/mtetso", *options, f"{GUEST_FOLDER}/{guest}"]
    result = die(vm, argv, {"PATH": "/usr/bin"}, folder / f"{name}.cores")
    target = CoreTarget(result.cores[0])
    signal = target.signal(target.threads()[0])
    assert not isinstance(signal, Absent)
    assert not isinstance(signal.address, Absent)
    return keep(name, result, argv, "", signal.address)


def keep(
    name: str, result: LabResult, argv: list[str], program: str, pointer: int
) -> dict[str, object]:
    """Packs the core; returns its provenance."""
    core = result.cores[0].read_bytes()
    pack(core, f"{name}.core.gz")
    digest = hashlib.sha256(core).hexdigest()
    return {
        "program": program,
        "command": argv,
        "signal": result.signal,
        "pointer": pointer,
        "sha256": digest,
    }


def version(*command: str) -> str:
    """The first line of what a tool says of itself."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


def main() -> int:
    """Runs every case in one VM."""
    shutil.rmtree(CORES, ignore_errors=True)
    CORES.mkdir()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for program in {CASES[case].program for case in FROZEN}:
            pack(build(program, folder).read_bytes(), f"{program}.gz")
        shutil.copy(paths.runtime(), folder)
        for guest in paths.guests().glob("*.elf"):
            # Its debug information names the folder that it was built in.
            subprocess.run(["strip", "-g", "-o", str(folder / guest.name), str(guest)], check=True)
        with boot([Share(folder, GUEST_FOLDER)], MachineOptions()) as vm:
            made = {case: freeze_program(vm, case, CASES[case], folder) for case in FROZEN}
            made |= {case: freeze_runtime(vm, case, RUNTIME[case], folder) for case in RUNTIME}
            kernel = vm.kernel
    origin = {
        "kernel": kernel,
        "emulator": version("qemu-system-aarch64", "--version"),
        "compiler": version(COMPILER[0], "--version"),
        "flags": COMPILER[1:],
        "cores": made,
    }
    PROVENANCE.write_text(json.dumps(origin, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
