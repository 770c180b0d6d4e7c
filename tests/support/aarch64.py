"""A Python for AArch64 and what mtedbg needs there, in the user's cache: run by QEMU's user mode.

The interpreter is Debian's: its library and modules came with the VM's GDB (`lab/debuggers.py`),
and its `main` is a line of C. The packages are PyPI's wheels for AArch64, of the versions and
hashes in `scripts/locks/`. `python -m tests.support.aarch64` makes it; set-up calls that.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mtedbg.lab import debuggers
from tests.support.compile import ROOT

LOCK = ROOT / "scripts/locks/demo.txt"
COMPILER = "aarch64-linux-gnu-gcc"
LIBRARY = "usr/lib/aarch64-linux-gnu/libpython3.11.so.1.0"
LIBRARIES = ("lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu")
MAIN = """
int Py_BytesMain(int count, char **words);
int main(int count, char **words) { return Py_BytesMain(count, words); }
"""
# Its own path is Python's `sys.executable`: processes that it starts are run by QEMU as well.
LAUNCHER = """#!/bin/sh
export PYTHONHOME='{root}/usr' PYTHONDONTWRITEBYTECODE=1 LD_LIBRARY_PATH=
exec qemu-aarch64 -cpu max -L '{root}' -E LD_LIBRARY_PATH='{libraries}' -0 "$0" {program} "$@"
"""
NOT_NEEDED = ("gdb-for-pwndbg", "hatchling", "editables", "pathspec", "pluggy", "trove-classifiers")
"""Of the lock: the demo's debugger, and what builds the package."""


def requirements() -> str:
    """The lock without what the package alone does not need."""
    entries = re.split(r"^(?=\S)", LOCK.read_text(), flags=re.MULTILINE)
    return "".join(one for one in entries if not one.startswith(NOT_NEEDED))


def cached() -> Path:
    """The folder of this version, whether or not it is there."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(requirements().encode())
    digest.update(debuggers.cached().name.encode())
    return debuggers.cached().with_name(f"aarch64-{digest.hexdigest()[:16]}")


def build() -> Path:
    """Makes it, unless it is there."""
    final = cached()
    if final.exists():
        return final
    root = debuggers.build()
    with tempfile.TemporaryDirectory(prefix=".aarch64-", dir=final.parent) as name:
        work = Path(name) / "made"
        work.mkdir()
        (work / "main.c").write_text(MAIN)
        libraries = ":".join(str(root / folder) for folder in LIBRARIES)
        subprocess.run(
            [
                *(COMPILER, "-O1", "-o", work / "python3.11", work / "main.c", root / LIBRARY),
                "-Wl,--unresolved-symbols=ignore-in-shared-libs",
            ],
            check=True,
        )
        for launcher, program in (
            ("python3", f"'{final}/python3.11'"),
            ("gdb", f"'{root}/usr/bin/gdb' --data-directory '{root}/usr/share/gdb'"),
        ):
            text = LAUNCHER.format(root=root, libraries=libraries, program=program)
            (work / launcher).write_text(text)
            (work / launcher).chmod(0o755)
        (work / "requirements.txt").write_text(requirements())
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "-q", "--require-hashes"),
                *("--no-deps", "--only-binary=:all:", "--python-version", "3.11"),
                *("--platform", "manylinux2014_aarch64", "--target", work / "site"),
                *("-r", work / "requirements.txt"),
            ],
            check=True,
        )
        shutil.rmtree(final, ignore_errors=True)
        work.rename(final)
    return final


def run(
    launcher: str,
    *words: str | Path,
    folder: Path,
    sites: Sequence[Path] = (),
    timeout_s: float = 300,
) -> subprocess.CompletedProcess[str]:
    """Runs `python3` or `gdb` for AArch64 in a folder.

    Args:
        launcher: which.
        words: its arguments.
        folder: its current folder, and its home.
        sites: folders of packages, before those that came from PyPI.
        timeout_s: seconds after which it is killed.
    """
    here = cached()
    path = os.pathsep.join(map(str, (*sites, here / "site")))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": path}
    return subprocess.run(
        [here / launcher, *map(str, words)], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip


if __name__ == "__main__":
    print(build())
