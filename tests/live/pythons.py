"""`make pythons`: unit tests and frozen answers under every Python from 3.11 that this machine has.

No registry that set-up uses has other Pythons than Debian's own: they are looked for on PATH and
where pyenv and uv keep theirs. Which are not there is said, and is no error; none at all is one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.compile import ROOT

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
KEPT = (Path.home() / ".pyenv/versions", Path.home() / ".local/share/uv/python")
LOCK = ROOT / "scripts/locks/check.txt"
TESTS = ("tests/unit", "tests/golden")


def found(version: str) -> Path | None:
    """An interpreter of that version."""
    names = (shutil.which(f"python{version}"),)
    kept = (str(path) for place in KEPT for path in sorted(place.glob(f"*{version}*/bin/python3")))
    for name in filter(None, (*names, *kept)):
        asked = [name, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return Path(name)
    return None


def tried(versions: list[str], workers: int) -> Iterator[tuple[str, int | None]]:
    """Each version with the exit status of pytest; None where it is not here."""
    for version in versions:
        python = found(version)
        if python is None:
            print(f"Python {version}: not on this machine", flush=True)
            yield version, None
            continue
        with tempfile.TemporaryDirectory(prefix="mtedbg-python-") as name:
            folder = Path(name)
            subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
            pip = [folder / "venv/bin/python", "-m", "pip", "install", "-q"]
            subprocess.run([*pip, "--require-hashes", "-r", LOCK], check=True)
            # A copy: who works in the checkout meanwhile does not change what is tested.
            copy = folder / "checkout"
            without = shutil.ignore_patterns(".git", ".venv", "build", "dist", "__pycache__")
            shutil.copytree(ROOT, copy, ignore=without)
            words = ["-m", "pytest", "-q", "-n", str(workers), "-p", "no:cacheprovider", *TESTS]
            done = subprocess.run(
                [folder / "venv/bin/python", *words],
                cwd=copy,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(copy)},
                check=False,
            )
            print(f"Python {version}: exit status {done.returncode}", flush=True)
            yield version, done.returncode


def main() -> int:
    """Runs the tests; 1 if one failed or there was no Python to run them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("versions", nargs="*", default=list(VERSIONS))
    arguments = parser.parse_args()
    statuses = [status for _, status in tried(arguments.versions, arguments.workers)]
    here = [status for status in statuses if status is not None]
    return 1 if not here or any(here) else 0


if __name__ == "__main__":
    sys.exit(main())
