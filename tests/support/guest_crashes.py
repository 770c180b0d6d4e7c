"""x86-64 Linux programs that die in the runtime, and their cores."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from mtedbg.lab import paths
from tests.support.compile import BUILT, PROGRAMS, digest_of, link_once

SOURCES = PROGRAMS / "linux"
KINDS = {
    "dynamic": ("crashes.c", "gcc", ()),
    "static": ("crashes.c", "gcc", ("-static-pie",)),
    "stripped": ("crashes.c", "gcc", ("-s",)),
    "c++": ("crashes_cpp.cc", "g++", ()),
    "deaths": ("deaths.c", "gcc", ("-w",)),
    "no-build-id": ("deaths.c", "gcc", ("-w", "-Wl,--build-id=none")),
    "deaths-c++": ("deaths_cpp.cc", "g++", ("-std=c++20", "-w")),
    "loops": ("loops.c", "gcc", ("-static-pie",)),
    "plugin": ("plugin.c", "gcc", ("-shared", "-fPIC")),
}


def program(kind: str) -> Path:
    source, compiler, flags = KINDS[kind]
    command = [f"x86_64-linux-gnu-{compiler}", "-O2", "-g", "-pthread", *flags]
    command.append(str(SOURCES / source))
    built = BUILT / digest_of([SOURCES / source], command) / f"crashes-{kind}"
    link_once(built, command)
    return built


def crashed(path: Path, folder: Path, *arguments: str, options: tuple[str, ...] = ()) -> Path:
    """The core of a program that died in the runtime, under QEMU, with a copy of it beside it.

    QEMU ends a core at memory that it cannot read, which a file that became shorter leaves: where
    that is must not be a matter of chance.
    """
    shutil.copy(path, folder / path.name)
    words = [str(paths.runtime()), *options, str(folder / path.name), *arguments]
    run = 'ulimit -c unlimited; exec setarch --addr-no-randomize qemu-aarch64 -cpu max "$@"'
    subprocess.run(
        ["sh", "-c", run, "sh", *words], cwd=folder, capture_output=True, timeout=120, check=False
    )
    (core,) = folder.glob("*.core")
    return core
