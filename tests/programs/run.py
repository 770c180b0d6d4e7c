"""Runs a command natively, in the runtime under QEMU's user mode, and in the VM; compares."""

from __future__ import annotations

import functools
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mtedbg.errors import LabError
from mtedbg.lab import paths
from mtedbg.lab.vm import Vm
from tests.programs.root import inputs, root
from tests.programs.table import FRESH
from tests.support import signals

ENVIRONMENT = {"PATH": "/usr/bin", "LC_ALL": "C.UTF-8", "HOME": "/", "TZ": "UTC"}
NATIVE_S = 60.0
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
    """

    status: int
    output: bytes
    errors: str


Run = Callable[[Sequence[str], Sequence[str], float], Ended]
"""Runs a command with options of the runtime, for at most so many seconds."""


def ways() -> list[tuple[str, ...]]:
    """Options of the runtime: threads, convention of the shared tag, policy; all of them."""
    axes = itertools.product(("lockstep", "threads"), ("0", "15"), ("follow", "seed"))
    return [("--threads", a, "--shared-tag", b, "--policy", c) for a, b, c in axes]


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
    """In the runtime, under QEMU's user mode; a run out of time ends with status 124."""
    qemu = shutil.which("qemu-aarch64")
    assert qemu, "qemu-aarch64 is missing: run scripts/setup"
    with tempfile.TemporaryDirectory(prefix="mtedbg-programs-") as name:
        words = runtime_words(command, options, f"{name}/")
        with subprocess.Popen(
            [*signals.FRESH, qemu, "-cpu", "max", *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd=inputs(),
            start_new_session=True,
        ) as process:  # fmt: skip
            try:
                output, errors = process.communicate(timeout=limit_s)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # and what it has started
                output, errors = process.communicate()
                return _ended(124, output, errors)
    return _ended(process.returncode, output, errors)


def in_vm(vm: Vm) -> Run:
    """In the runtime, in a VM that is up."""
    fresh = itertools.count()

    def run(command: Sequence[str], options: Sequence[str], limit_s: float) -> Ended:
        # A folder of the VM's own.
        words = runtime_words(command, options, f"/tmp/{next(fresh)}-")
        vm.start(words, cwd=str(inputs()), env=ENVIRONMENT)
        try:
            done = vm.finish(timeout_s=limit_s)
        except LabError as error:
            return _ended(124, b"", str(error).encode())
        return _ended(done.shell_status(), done.stdout, done.stderr)

    return run


def difference(command: Sequence[str], options: Sequence[str], limit_s: float, run: Run) -> str:
    """What a run in the runtime did other than the native one; empty where nothing."""
    expected, found = natively(command), run(command, options, limit_s)
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


def _ended(status: int, output: bytes, errors: bytes) -> Ended:
    text = errors.decode(errors="replace").replace(str(root()), "")
    # What the runtime says once of a call that is missing, and QEMU of a signal.
    text = re.sub(
        r"^mtetso: system call .* is not supported: ENOSYS\n", "", text, flags=re.MULTILINE
    )
    text = re.sub(r"^qemu: uncaught target signal .*\n", "", text, flags=re.MULTILINE)
    return Ended(128 - status if status < 0 else status, output, re.sub(r"\d+", "N", text))


def _first(one: bytes, other: bytes) -> int:
    pairs = itertools.zip_longest(one, other)
    return next(i for i, (a, b) in enumerate(pairs) if a != b)
