"""A bare machine in QEMU's system mode, stopped before its first instruction."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.compile import BUILT, COMPILER, PROGRAMS, link_once

SOURCES = PROGRAMS / "machine"
_FLAGS = (
    *("-ffreestanding", "-nostdlib", "-static", "-no-pie", "-fno-pie", "-mgeneral-regs-only"),
    *("-Wl,--no-warn-rwx-segments", "-Wl,--build-id=none"),
)


@cache
def machine_program() -> Path:
    """The program that the machine runs, at EL1."""
    sources = sorted(SOURCES.iterdir())
    newest = max(source.stat().st_mtime_ns for source in sources)
    made = BUILT / f"machine-{newest:x}" / "machine"
    words = [str(one) for one in sources if one.suffix in (".c", ".S")]
    link_once(made, [*COMPILER, *_FLAGS, f"-Wl,-T,{SOURCES / 'machine.ld'}", *words])
    return made


@contextlib.contextmanager
def machine() -> Iterator[Path]:
    """The unix socket at which QEMU's stub listens; it takes one debugger."""
    with (
        tempfile.TemporaryDirectory(prefix="mtedbg-") as folder,
        socket.socket(socket.AF_UNIX) as listening,
    ):
        path = Path(folder) / "gdb"
        # Ours, and listening before QEMU starts: nothing has to be waited for.
        listening.bind(str(path))
        listening.listen(1)
        process = subprocess.Popen(
            [
                *("qemu-system-aarch64", "-M", "virt,mte=on", "-cpu", "max", "-S"),
                *("-display", "none", "-nodefaults", "-kernel", str(machine_program())),
                *("-chardev", f"socket,id=gdb,fd={listening.fileno()},server=on,wait=off"),
                *("-gdb", "chardev:gdb"),
            ],
            stdin=subprocess.DEVNULL,
            pass_fds=(listening.fileno(),),
        )
        try:
            yield path
        finally:
            process.kill()
            process.wait()
