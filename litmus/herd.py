"""herd7, the simulator of memory models: where it is, how to get it, how to run it.

Only Debian's unstable suite has it, built against newer libraries than a stable release's. Its
package is unpacked beside them and started through the loader that goes with those: nothing is
installed, and the mirror is the one that apt uses on this machine.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mtedbg.errors import LabError, ToolMissingError
from mtedbg.lab import apt

PACKAGES = ("herdtools7", "libc6", "libgmp10")
SUITE = "sid"
TIMEOUT_S = 600
FETCH_TIMEOUT_S = 300
"""For each step of fetching it: a mirror that does not answer must not keep anybody."""
VARIANT = "memtag,sync"
"""Memory tags, with synchronous tag check faults."""
_LOADERS = ("lib*/ld-linux*.so.*", "usr/lib*/ld-linux*.so.*", "usr/lib/*/ld-linux*.so.*")


def cached() -> Path:
    """The folder of what was fetched, in the user's cache, whether or not it is there."""
    digest = hashlib.sha256(repr((PACKAGES, SUITE)).encode()).hexdigest()[:16]
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "mtedbg" / f"herd7-{digest}"


def command() -> list[str]:
    """The words that start herd7: the machine's own, else the fetched one.

    Raises:
        ToolMissingError: it is neither installed nor fetched.
    """
    own = shutil.which("herd7")
    if own is not None:
        return [own]
    root = cached()
    if not root.exists():
        raise ToolMissingError("herd7 is not here", "run: make litmus")
    loader = next(path for pattern in _LOADERS for path in sorted(root.glob(pattern)))
    libraries = sorted({str(path.parent) for path in root.rglob("lib*.so.*")})
    program = root / "usr/bin/herd7"
    data = root / "usr/share/herdtools7/herd"
    path = ":".join(libraries)
    return [str(loader), "--library-path", path, str(program), "-set-libdir", str(data)]


def fetch() -> Path:
    """Gets herd7 from the machine's own mirror, unless it has been fetched before.

    Raises:
        LabError: apt cannot fetch it.
        ToolMissingError: this is no Debian.
    """
    final = cached()
    if final.exists():
        return final
    if not apt.on_debian():
        raise ToolMissingError("herd7 is fetched on Debian only", "install herdtools7 otherwise")
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".herd7-", dir=final.parent) as name:
        work = Path(name)
        root = work / "root"
        for archive in _download(work / "apt"):
            _run(["dpkg-deb", "-x", str(archive), str(root)], work)
        root.rename(final)
    return final


def _download(folder: Path) -> list[Path]:
    """The packages of the suite, by an apt whose lists and cache are in `folder` alone."""
    for part in ("lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True)
    mirror = apt.mirror()
    if mirror is None:
        raise LabError("apt does not say where it fetches from", "see /etc/apt/sources.list")
    signed = f"[signed-by={apt.KEYRING}] " if apt.KEYRING.is_file() else ""
    (folder / "sources.list").write_text(f"deb {signed}{mirror} {SUITE} main\n")
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder,
        "APT::Sandbox::User": "root",
        "APT::Default-Release": "",
        "Acquire::Languages": "none",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 30,
        "Acquire::https::Timeout": 30,
    }
    words = ["apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items())]
    _run([*words, "update"], folder)
    _run([*words, "download", *(f"{name}/{SUITE}" for name in PACKAGES)], folder)
    return sorted(folder.glob("*.deb"))


def _run(words: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=FETCH_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise LabError(
            f"{words[0]} {words[-1]} takes more than {FETCH_TIMEOUT_S} s", "does the mirror answer?"
        ) from None
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise LabError(f"{words[0]} {words[-1]}: {last}", "is the mirror within reach?")
    return done.stdout


def version() -> str:
    """Version of herd7, as it says it.

    Raises:
        ToolMissingError: there is no herd7.
    """
    words = [*command(), "-version"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    return done.stdout.strip()


def verdict(file: Path) -> str:
    """What herd7 says of the file's condition: "Always", "Sometimes" or "Never".

    Raises:
        LabError: it says nothing of the kind, for example because the file has a mistake.
        ToolMissingError: there is no herd7.
    """
    words = [*command(), "-variant", VARIANT, str(file)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise LabError(f"herd7 takes more than {TIMEOUT_S} s on {file.name}") from None
    found = re.search(r"^Observation \S+ (Always|Sometimes|Never) ", done.stdout, re.MULTILINE)
    if found is None:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise LabError(f"herd7 on {file.name}: {said}")
    return found.group(1)
