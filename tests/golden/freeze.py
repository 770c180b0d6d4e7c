"""Makes the frozen cores anew: `python -m tests.golden.freeze`. Seldom: answers change with them.

The programs of `tests/support/programs/` run in the Linux VM from a folder that has the same name
on every machine, so that nothing of this one is in the cores.
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

from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.golden.cases import CORES, PROVENANCE
from tests.support.compile import COMPILER, PROGRAMS
from tests.support.cores import CASES, Case, parse_facts

GUEST_FOLDER = "/frozen"
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


def freeze(vm: Vm, name: str, case: Case, folder: Path) -> dict[str, object]:
    """Runs one case and keeps its core; returns its provenance."""
    cores = folder / f"{name}.cores"
    cores.mkdir()
    argv = [f"{GUEST_FOLDER}/{case.program}", *case.arguments]
    environment = {"PATH": "/usr/bin", **dict(case.environment)}
    result = vm.run(argv, env=environment, cores_to=cores, timeout_s=60)
    (path,) = result.cores
    core = path.read_bytes()
    pack(core, f"{name}.core.gz")
    return {
        "program": case.program,
        "command": argv,
        "environment": environment,
        "signal": result.signal,
        "facts": parse_facts(result.stdout),
        "sha256": hashlib.sha256(core).hexdigest(),
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
        with boot([Share(folder, GUEST_FOLDER)], MachineOptions()) as vm:
            made = {case: freeze(vm, case, CASES[case], folder) for case in FROZEN}
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
