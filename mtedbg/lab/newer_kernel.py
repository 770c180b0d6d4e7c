"""A second kernel for the VM, Linux 6.12: the tests read a core that it wrote.

It is Debian's package for its stable backports, or its stable release, whichever has that version.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mtedbg.errors import LabError, MtedbgError, ToolMissingError
from mtedbg.lab import debian, image
from mtedbg.lab.image import VmImage

META_PACKAGE = "linux-image-arm64:arm64"
_DEPENDS = re.compile(r"^Depends: (linux-image-6\.12\.[^ ,]*)", re.MULTILINE)


def cached() -> VmImage:
    """This version's image in the user's cache, whether or not it has been made."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(image.cached().kernel.parent.name.encode())
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return image.at(Path(home) / "mtedbg" / f"vm-6.12-{digest.hexdigest()[:16]}")


def build() -> VmImage:
    """Makes it, unless it is there; everything but the kernel and its modules is the first VM's.

    Raises:
        LabError: apt knows no such kernel, or cannot fetch it.
        ToolMissingError: this is no Debian, or the cross compiler is not there.
    """
    found = cached()
    if found.exists():
        return found
    final = found.kernel.parent
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".vm-", dir=final.parent) as name:
        work = Path(name)
        package = _package()
        root = work / "root"
        provenance = debian.unpack([f"{package}:arm64", image.GDBSERVER_PACKAGE], root)
        made = image.at(work / "made")
        image.fill(made, root, work, package, provenance)
        shutil.rmtree(final, ignore_errors=True)
        made.kernel.parent.rename(final)
    return found


def _package() -> str:
    """The newest 6.12 that apt knows."""
    try:
        shown = subprocess.run(
            ["apt-cache", "show", "--all-versions", META_PACKAGE],
            capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip
    except FileNotFoundError as error:
        raise ToolMissingError("apt-cache is not on this machine", "Debian has it") from error
    match = _DEPENDS.search(shown)
    if match is None:
        raise LabError("apt knows no Linux 6.12", "add backports to its sources; apt-get update")
    return match[1]


if __name__ == "__main__":
    try:
        print(build().kernel.parent)
    except MtedbgError as problem:
        sys.exit(str(problem))
