"""A program that is root in the VM and malicious leaves cores on the host, and nothing else."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.compile import compiled

MTEDBG = [sys.executable, "-P", "-m", "mtedbg"]
ROOT = Path(__file__).parents[2]
FILES = 200
PIDS = range(2, 200)
"""One of them is the program's: how many threads the kernel has started by then varies."""
SECRET = "nobody in the VM has read or written this"


def found(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below a folder, without following links."""
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(here, name)
            yield str(path.relative_to(folder)), path.lstat()


@pytest.mark.parametrize("writable", [False, True], ids=["read-only", "writable"])
def test_a_hostile_guest(tmp_path: Path, writable: bool) -> None:
    here, scratch, secret = (tmp_path / name for name in ("here", "scratch", "secret"))
    here.mkdir()
    scratch.mkdir()
    secret.write_text(SECRET)
    shutil.copy(compiled("hostile_guest"), here / "hostile")
    for pid in PIDS:  # where its core would go, by an earlier run
        (here / f"core.hostile.{pid}").symlink_to(secret)
    before = dict(found(here))
    words = [*MTEDBG, "lab", *(["--writable"] if writable else []), "--", "./hostile"]
    done = subprocess.run(
        [*words, str(secret), str(FILES)], cwd=here, capture_output=True, timeout=300, check=False,
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert b"killed by SIGSEGV" in done.stderr
    could = [line for line in done.stdout.decode().splitlines() if line.startswith("could: ")]
    assert could == (["could: write here"] if writable else [])
    after = dict(found(here))
    made = {name: status for name, status in after.items() if name not in before}
    assert {name: after[name].st_ino for name in before} == {
        name: status.st_ino for name, status in before.items()
    }
    assert secret.read_text() == SECRET
    assert stat.S_IMODE(secret.stat().st_mode) & stat.S_ISUID == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "scratch", "secret"]
    assert list(scratch.iterdir()) == [], "what the VM left is gone"
    for name, status in made.items():
        assert name.isprintable() or writable
        assert stat.S_ISREG(status.st_mode) or (writable and stat.S_ISDIR(status.st_mode)), name
        assert stat.S_IMODE(status.st_mode) in (0o600, 0o700), name
        assert status.st_uid == os.geteuid(), name
    taken = {name for name in made if name.startswith("core")}
    beside = {f"core.hostile.{pid}.1" for pid in PIDS}
    assert len(taken & beside) == 1, "the program's own core, beside the link"
    if not writable:
        assert taken == set(made)
        for name in taken:
            with (here / name).open("rb") as file:
                assert file.read(4) == b"\x7fELF", name
        assert b"\x1b" not in done.stderr
