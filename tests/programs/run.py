"""Runs a command natively, in the runtime under QEMU's user mode, and in the VM; compares."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from mtedbg.lab import paths
from mtedbg.lab.boot import boot
from mtedbg.lab.machine import MachineOptions, Share
from mtedbg.lab.vm import Vm
from tests.programs.root import inputs, root
from tests.programs.table import FRESH
from tests.soundness.stress import CLAIMS, STICKY
from tests.support import shaken, signals
from tests.support.compile import ROOT
from tests.support.patience import LOOK_S, Patience, of_process, of_session

ENVIRONMENT = {"PATH": "/usr/bin", "LC_ALL": "C.UTF-8", "HOME": "/", "TZ": "UTC"}
NATIVE_S = 60.0
CPUS = 4
MEMORY_MIB = 4096
"""Of the VM."""
IDLE_S = 300.0
LONGEST_S = 3600.0
"""Of a run in the VM, which is never quite idle."""
OUT_OF_PATIENCE = 124
# A root of its own, with the system's folders mounted where nobody else sees them.
_NATIVELY = """
for each in proc dev; do mount --rbind /$each "$0/$each" || exit 125; done
mount -t tmpfs tmpfs "$0/tmp" || exit 125
folder=$1; shift
exec unshare --root="$0" --wd="$folder" "$@"
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: its exit status, as a shell has it.
        output: its standard output.
        errors: its standard error, each number as `N`: there are process ids among them.
        bound: how often one of its threads was bound to a processor.
    """

    status: int
    output: bytes
    errors: str
    bound: int = field(default=0, compare=False)


Run = Callable[[Sequence[str], Sequence[str], float], Ended]
"""Runs a command with options of the runtime, for so many seconds of processor time at most."""


def ways() -> list[tuple[str, ...]]:
    """Options of the runtime: threads, convention of the shared tag, policy; all of them."""
    axes = itertools.product(("lockstep", "threads"), ("0", "15"), ("follow", "seed"))
    return [("--threads", a, "--shared-tag", b, "--policy", c) for a, b, c in axes]


def moved_ways() -> list[tuple[str, ...]]:
    """Options for threads that are moved: they own memory themselves, or their processors do."""
    owners = [("--core-id", "thread"), ("--core-id", "rseq-strict", *STICKY)]
    some = [(*a, "--shared-tag", b) for a, b in itertools.product(owners, ("0", "15"))]
    some.append(("--core-id", "rseq-strict", *CLAIMS))
    return [("--threads", "threads", *one) for one in some]


def natively(command: Sequence[str]) -> Ended:
    """By this machine's processor, with the packages' folder as the root."""
    return _natively(tuple(command))


@functools.cache
def _natively(command: tuple[str, ...]) -> Ended:
    folder = f"/{inputs().name}"
    program = command[0] if command[0].startswith("/") else f"{folder}/{command[0]}"
    # In a folder of its own.
    words = [word.replace(FRESH, "/tmp/") for word in command[1:]]
    alone = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    done = subprocess.run(
        [*signals.FRESH, *alone, "sh", "-c", _NATIVELY, str(root()), folder, program, *words],
        stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT, timeout=NATIVE_S,
        check=False,
    )  # fmt: skip
    assert done.returncode != 125, done.stderr
    return _ended(done.returncode, done.stdout, done.stderr)


def under_qemu(command: Sequence[str], options: Sequence[str], limit_s: float) -> Ended:
    """In the runtime, under QEMU's user mode. A hopeless run ends with `OUT_OF_PATIENCE`."""
    qemu = shutil.which("qemu-aarch64")
    assert qemu, "qemu-aarch64 is missing: run scripts/setup"
    with tempfile.TemporaryDirectory(prefix="mtedbg-programs-") as name:
        words = runtime_words(command, options, f"{name}/")
        with subprocess.Popen(
            [*signals.FRESH, qemu, "-cpu", "max", *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd=inputs(),
            start_new_session=True,
        ) as process:  # fmt: skip
            patience = Patience(lambda: of_session(process.pid), limit_s, idle_s=IDLE_S)
            while True:
                try:
                    output, errors = process.communicate(timeout=LOOK_S)
                    break
                except subprocess.TimeoutExpired:
                    if why := patience.lost():
                        os.killpg(process.pid, signal.SIGKILL)  # and what it has started
                        output, _ = process.communicate()
                        return _ended(OUT_OF_PATIENCE, output, why.encode())
    return _ended(process.returncode, output, errors)


@contextlib.contextmanager
def machine() -> Iterator[Vm]:
    """A VM that has the runtime and the programs."""
    shares = [Share(each, str(each), in_use=False) for each in (ROOT, root())]
    with boot(shares, MachineOptions(cpus=CPUS, memory_mib=MEMORY_MIB, answers_s=LONGEST_S)) as vm:
        yield vm


def in_vm(vm: Vm, *, moved: bool = False) -> Run:
    """In the runtime, in a VM that is up; if `moved`, its threads are, all the while."""
    fresh = itertools.count()

    def run(command: Sequence[str], options: Sequence[str], limit_s: float) -> Ended:
        number = next(fresh)
        # A folder of the VM's own.
        words = runtime_words(command, options, f"/tmp/{number}-")
        words = shaken.words(number) + words if moved else words
        vm.start(words, cwd=str(inputs()), env=ENVIRONMENT)
        patience = Patience(lambda: of_process(vm.pid), limit_s, longest_s=LONGEST_S)
        while not vm.ends_within(LOOK_S):
            if why := patience.lost():
                vm.kill()
                done = vm.finish(timeout_s=LONGEST_S)
                return _ended(OUT_OF_PATIENCE, done.stdout, why.encode())
        done = vm.finish()
        output, bound = shaken.bound(done.stdout) if moved else (done.stdout, 0)
        return _ended(done.shell_status(), output, done.stderr, bound)

    return run


def difference(command: Sequence[str], options: Sequence[str], found: Ended) -> str:
    """What a run in the runtime did other than the native one; empty where nothing."""
    expected = natively(command)
    if found == expected:
        return ""
    if found.status != expected.status:
        what = f"status {found.status}, natively {expected.status}"
    elif found.output != expected.output:
        what = f"output differs from byte {_first(found.output, expected.output)}"
    else:
        what = "errors differ"
    said = found.errors[-400:] or repr(found.output[-200:])
    return f"{' '.join(options)} {' '.join(command)}: {what}: {said}"


def runtime_words(command: Sequence[str], options: Sequence[str], fresh: str) -> list[str]:
    """The words that run a command in the runtime; `fresh` begins paths of files that it makes."""
    inside = command[0] if command[0].startswith("/") else f"/{inputs().name}/{command[0]}"
    words = [word.replace(FRESH, fresh) for word in command[1:]]
    own = ["--sysroot", str(root()), "--argv0", inside]
    return [str(paths.runtime()), *options, *own, f"{root()}{inside}", *words]


def _ended(status: int, output: bytes, errors: bytes, bound: int = 0) -> Ended:
    text = errors.decode(errors="replace").replace(str(root()), "")
    # What the runtime says once of a call that is missing, and QEMU of a signal.
    text = re.sub(
        r"^mtetso: system call .* is not supported: ENOSYS\n", "", text, flags=re.MULTILINE
    )
    text = re.sub(r"^qemu: uncaught target signal .*\n", "", text, flags=re.MULTILINE)
    shell = 128 - status if status < 0 else status
    return Ended(shell, output, re.sub(r"\d+", "N", text), bound)


def _first(one: bytes, other: bytes) -> int:
    pairs = itertools.zip_longest(one, other)
    return next(i for i, (a, b) in enumerate(pairs) if a != b)
