"""Runs an AArch64 program under QEMU's user mode, stopped and waiting for a debugger."""

import contextlib
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from mtedbg.dataclass import dataclass
from mtedbg.errors import LabError, ToolMissingError
from mtedbg.lab import paths
from mtedbg.lab.program import checked

PROGRAM = "qemu-aarch64"
CPU = "max,sve=off,sme=off"
"""With memory tags; without vector registers of variable length, over whose frames on the stack
GDB 13 cannot unwind: QEMU's stub tells it the longest one, the program has another."""
LISTEN_TIMEOUT_S = 30.0
POLL_S = 0.005
# /proc/net/unix, column "Flags": __SO_ACCEPTCON, set by listen(2).
LISTENING = "00010000"


@dataclass(frozen=True)
class UserProgram:
    """A program under user-mode QEMU.

    Args:
        socket: the unix socket of its gdb stub; it takes one debugger.
        process: QEMU itself.
        log: what the program and QEMU write, as a file that may be read at any time.
    """

    socket: Path
    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """What it has written so far, both streams together."""
        return self.log.read_text(errors="replace")


@contextlib.contextmanager
def start(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
    root: Path | None = None,
) -> Iterator[UserProgram]:
    """Starts `argv` with memory tagging, stopped before its first instruction.

    Args:
        argv: the program's path and its arguments.
        cwd: its current folder, by default the caller's.
        env: its environment, by default the caller's.
        output: where its output goes instead of `UserProgram.log`.
        root: the folder where its libraries are below, by default those of the lab.

    Raises:
        ToolMissingError: QEMU is not installed.
        FileFormatError: it is no AArch64 program.
        LabError: QEMU does not start the program.
    """
    if not hasattr(os, "pidfd_open"):
        raise ToolMissingError(
            "QEMU's user mode runs on Linux only", "mtedbg run --vm uses the Linux VM"
        )
    qemu = shutil.which(PROGRAM)
    if qemu is None:
        raise ToolMissingError(f"{PROGRAM} is not on this machine", "run: mtedbg doctor")
    program = checked(argv[0])
    root = root or paths.sysroot(program)
    with tempfile.TemporaryDirectory(prefix="mtedbg-") as name:
        socket, log = Path(name) / "gdb", Path(name) / "log"
        with log.open("wb") as own:
            process = subprocess.Popen(
                [
                    *(qemu, "-cpu", CPU, "-g", str(socket)),
                    *(("-L", str(root)) if root else ()),
                    *map(str, (program, *argv[1:])),
                ],
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output or own,
                stderr=output or own,
                start_new_session=True,  # Ctrl-C is the debugger's
            )
        try:
            running = UserProgram(socket, process, log)
            _await_stub(running)
            yield running
        finally:
            process.kill()
            process.wait()


def _await_stub(program: UserProgram) -> None:
    """Waits until the stub listens. A trial connection would be the one that it takes."""
    deadline = time.monotonic() + LISTEN_TIMEOUT_S
    ended = os.pidfd_open(program.process.pid)
    try:
        while not _listens(program.socket):
            if select.select([ended], [], [], POLL_S)[0]:
                lines = program.output().strip().splitlines()
                raise LabError(f"{PROGRAM} ended: {lines[-1] if lines else 'it did not say why'}")
            if time.monotonic() > deadline:
                raise LabError(f"{PROGRAM} does not listen for a debugger")
    finally:
        os.close(ended)


def _listens(socket: Path) -> bool:
    for line in Path("/proc/net/unix").read_text(errors="replace").splitlines():
        words = line.split()
        if words[-1] == str(socket) and words[3] == LISTENING:
            return True
    return False
