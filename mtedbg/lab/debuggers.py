"""Debian's AArch64 GDB and lldb-server, to run inside the VM: unpacked beside it, not installed.

With every library that they need, and started through the loader that goes with those: they meet
nothing of the host's, and what they debug meets nothing of theirs.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mtedbg.errors import LabError, MtedbgError, ToolMissingError
from mtedbg.lab import debian
from mtedbg.lab.machine import Share

PACKAGES = ("gdb:arm64", "lldb-19:arm64")
# LLDB itself is not run there, lldb-server does without it.
LEFT_OUT = frozenset({"liblldb-19:arm64"})
GUEST = "/debuggers"
_LOADER = "lib/ld-linux-aarch64.so.1"
_LIBRARIES = ("lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib/llvm-19/lib")
_LIBRARY = re.compile(r"z?lib[^ ]*:arm64")
_NEEDED = ("--recurse", *(f"--no-{kind}" for kind in (
    "recommends", "suggests", "conflicts", "breaks", "replaces", "enhances",
)))  # fmt: skip
GDB_ENVIRONMENT = {
    "PATH": "/usr/bin",
    "HOME": "/root",
    "PYTHONHOME": f"{GUEST}/usr",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""What `gdb` is to be started with. Its child need not have it: `unset environment PYTHONHOME`."""


def cached() -> Path:
    """The folder of this version in the user's cache, whether or not it is there."""
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "mtedbg" / f"debuggers-{digest}"


def build() -> Path:
    """Fetches them from the machine's own apt sources, unless they are there.

    Raises:
        LabError: a package cannot be fetched.
        ToolMissingError: this is no Debian.
    """
    final = cached()
    if final.exists():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".debuggers-", dir=final.parent) as name:
        work = Path(name) / "root"
        provenance = debian.unpack(sorted(_with_libraries()), work)
        (work / "PACKAGES.txt").write_text("".join(f"{line}\n" for line in provenance))
        shutil.rmtree(final, ignore_errors=True)
        work.rename(final)
    return final


def _with_libraries() -> set[str]:
    """The packages and the libraries that they depend on, directly or not."""
    try:
        done = subprocess.run(
            ["apt-cache", "depends", *_NEEDED, *PACKAGES],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise ToolMissingError("apt-cache is not on this machine", "Debian has it") from error
    found = {line for line in done.stdout.splitlines() if _LIBRARY.fullmatch(line)}
    if done.returncode != 0 or not found:
        raise LabError(f"apt does not know {' and '.join(PACKAGES)}", debian.UPDATE)
    return found - LEFT_OUT | set(PACKAGES)


def share() -> Share:
    """The folder, as the VM is to see it.

    Raises:
        ToolMissingError: it has not been made.
    """
    folder = cached()
    if not folder.exists():
        raise ToolMissingError("the VM's debuggers are not here", "run: scripts/setup")
    return Share(folder, GUEST, in_use=False)


def gdb(*arguments: str) -> list[str]:
    """The command line of GDB in the VM; with `GDB_ENVIRONMENT`."""
    data = ("--data-directory", f"{GUEST}/usr/share/gdb")
    return _started("usr/bin/gdb", *data, *arguments)


def lldb_server(*arguments: str) -> list[str]:
    """The command line of lldb-server in the VM."""
    return _started("usr/lib/llvm-19/bin/lldb-server", *arguments)


def _started(program: str, *arguments: str) -> list[str]:
    path = ":".join(f"{GUEST}/{folder}" for folder in _LIBRARIES)
    loader = [f"{GUEST}/{_LOADER}", "--library-path", path]
    return [*loader, f"{GUEST}/{program}", *arguments]


if __name__ == "__main__":
    try:
        print(build())
    except MtedbgError as problem:
        sys.exit(str(problem))
