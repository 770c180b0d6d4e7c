"""The wheels on an AArch64 machine with memory tagging, a Linux VM, and every frozen answer there.

`make aarch64`. In the VM: the tour, natively, with the machine's own GDB; the programs that need no
lab; then every question of `tests/golden/`, by a Python for AArch64 under QEMU's user mode.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mtedbg.lab import debuggers
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.golden.cases import questions, unpacked
from tests.live.test_lab_wheel import unpack
from tests.live.test_wheel_aarch64 import asked
from tests.support import aarch64
from tests.support.compile import ROOT

HOME = "/aarch64"
SITE, CORES = "/site", "/dead"
GDB = f"{debuggers.GUEST}/usr/bin/gdb"
LIBRARIES = ":".join(f"{debuggers.GUEST}/{folder}" for folder in aarch64.LIBRARIES)
ENVIRONMENT = {
    "PATH": "/usr/bin",
    "HOME": "/root",
    "PYTHONHOME": f"{debuggers.GUEST}/usr",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": f"{SITE}:{HOME}/site",
    "LD_LIBRARY_PATH": LIBRARIES,
}
LIMIT_S = 900.0


def mtedbg(vm: Vm, *words: str) -> str:
    """What the program prints in the VM."""
    start = time.monotonic()
    argv = [f"{HOME}/python3.11", "-P", "-m", "mtedbg", *words]
    done = vm.run(argv, cwd="/root", env=ENVIRONMENT, timeout_s=LIMIT_S)
    text = done.stdout.decode()
    took = time.monotonic() - start
    print(f"{took:6.1f} s  mtedbg {' '.join(words)}: exit status {done.exit_status}", flush=True)
    if done.exit_status != 0:
        sys.exit(text + done.stderr.decode())
    return text


def expect(text: str, *wanted: str) -> None:
    """Ends with what was printed, where something is missing."""
    if lacking := [one for one in wanted if one not in text]:
        sys.exit(f"{text}\nnot there: {lacking}")


def in_the_vm(folder: Path) -> None:
    """Everything that a user of such a machine does first."""
    made = folder / "wheels"
    make = [sys.executable, ROOT / "scripts/make_wheel.py", made]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    site, dead = unpack(made, folder / "site"), folder / "dead"
    dead.mkdir()
    unpacked("heap", dead)
    shares = [
        Share(aarch64.cached(), HOME, in_use=False),
        Share(site, SITE, in_use=False),
        Share(dead, CORES, in_use=False),
        debuggers.share(),
    ]
    with boot(shares, MachineOptions(cpus=2, memory_mib=2048)) as vm:
        expect(mtedbg(vm, "--version"), "Linux aarch64", "built from commit")
        core = mtedbg(vm, "core", f"{CORES}/core", "--sysroot", "empty", "--budget", "20")
        expect(core, "tag check fault (synchronous)", "in       main")
        expect(mtedbg(vm, "explain", "signal 11 (SIGSEGV), code 9 (SEGV_MTESERR)"), "SEGV_MTESERR")
        triage = ("triage", f"{CORES}/core", "--state", "/root/state", "--workers", "1")
        expect(mtedbg(vm, *triage), "1 file, 1 signature")
        told = mtedbg(vm, "demo", "--gdb", GDB)
        expect(told, "runs it on this machine", "tag check fault", "Saved corefile")
        words = ["-nx", "-batch", "-x", f"{SITE}/mtedbg/_data/gdbinit/mtedbg_gdb.py"]
        words += ["-c", f"{CORES}/core", "-ex", "mte-fault"]
        done = vm.run([GDB, *words], env=ENVIRONMENT, timeout_s=LIMIT_S)
        expect(done.stdout.decode(), "tag check fault (synchronous)")


def main() -> int:
    """All of it; the questions in one process."""
    with tempfile.TemporaryDirectory(prefix="mtedbg-aarch64-") as name:
        in_the_vm(Path(name))
        everything = [one for one in questions() if not one.html]
        answers = Path(name) / "answers"
        answers.mkdir()
        if differing := asked(everything, answers):
            sys.exit(f"answered otherwise than on x86-64: {', '.join(differing)}")
        print(f"{len(everything)} answers are the same to the byte")
    return 0


if __name__ == "__main__":
    sys.exit(main())
