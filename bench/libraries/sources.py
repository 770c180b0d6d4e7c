"""Sources of libraries as Debian has them, unpacked; each package once, in the user's cache."""

from __future__ import annotations

import atexit
import fcntl
import functools
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.lab import BenchError
from mtedbg.lab import apt

SUITE = "trixie"
LIMIT_S = 900
"""Of one download: a mirror that does not answer must not keep anybody."""


@dataclass(frozen=True)
class Source:
    """A source package.

    Attributes:
        package: its name.
        version: the upstream version that is pinned: a mirror that has another one fails.
    """

    package: str
    version: str


def unpacked(source: Source) -> Path:
    """The folder of its upstream files; fetched where it is not there yet."""
    cached = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mtedbg"
    final = cached / f"source-{source.package}-{source.version}"
    cached.mkdir(parents=True, exist_ok=True)
    with (cached / f".{final.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.exists():
            with tempfile.TemporaryDirectory(prefix=f".{final.name}-", dir=cached) as name:
                _unpack(_archive(source, Path(name)), Path(name) / "root")
                (Path(name) / "root").rename(final)
    return final


def _archive(source: Source, work: Path) -> Path:
    """Upstream's archive; apt checks it against the suite's signed lists."""
    fetch = ["apt-get", "-q", "source", "--download-only", "--tar-only", "--only-source"]
    _run([*fetch, source.package], work, _apt())
    upstream = re.compile(r".*_(?P<version>.*)\.orig\.tar\.(gz|xz|bz2)")
    for path in work.iterdir():
        found = upstream.fullmatch(path.name)
        if found is None:
            continue
        if found["version"] == source.version:
            return path
        raise BenchError(f"the mirror has {path.name}, wanted is {source.version}")
    raise BenchError(f"{source.package} has no archive of its upstream")


@functools.cache
def _apt() -> dict[str, str]:
    """The environment of an apt with lists of its own, which are fetched once."""
    mirror = apt.mirror()
    if mirror is None:
        raise BenchError("apt does not say where this machine's packages come from")
    work = Path(tempfile.mkdtemp(prefix="mtedbg-apt-"))
    atexit.register(shutil.rmtree, work)
    entry = f"deb-src [signed-by={apt.KEYRING}] {mirror} {SUITE} main"
    environment = apt.private(work, entry)
    _run(["apt-get", "-q", "update"], work, environment)
    return environment


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"{' '.join(command)}: {done.stderr[-2000:]}")


def _unpack(archive: Path, into: Path) -> None:
    """Without the archive's outermost folder."""
    whole = into.with_name("whole")
    with tarfile.open(archive) as tar:
        tar.extractall(whole, filter="data")
    (only,) = whole.iterdir()
    only.rename(into)
