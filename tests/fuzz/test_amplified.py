"""Small files that speak of much, at full size: what a report of each takes in all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.amplified import AMPLIFIED

ROOT = Path(__file__).resolve().parents[2]
MOST_MEMORY, MOST_TEXT = 200 << 20, 20 << 20
MOST_S, A_SECOND = 10.0, 32 << 20
EXTRA_S = 3.0
"""What remains to be said once the time is up, on a busy machine."""

COMMANDS = {
    "images_that_share_symbols": ("mte-tags &nosuch",),
    "long_names": ("mte-regions --all",),
    "names_at_path_max": ("mte-regions --all",),
    "tags_over_each_other": ("mte-regions --all",),
    "threads_with_the_same_stack": ("mte-fault --all-threads",),
    "minidump_that_shares": ("mte-fault --all-threads", "mte-regions"),
    "million_records": ("jit-audit", "memops", "jit-blocks"),
}
CASES = [(name, line) for name in AMPLIFIED for line in ("", *COMMANDS.get(name, ()))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("amplified")


@pytest.mark.serial
@pytest.mark.parametrize(("name", "line"), CASES)
def test_totals(folder: Path, name: str, line: str) -> None:
    path = folder / name
    if not path.exists():  # in a process of its own: a child's peak begins with its parent's
        code = (
            "import sys\nfrom pathlib import Path\nfrom tests.support.amplified import AMPLIFIED\n"
            "Path(sys.argv[2]).write_bytes(AMPLIFIED[sys.argv[1]](1.0))"
        )
        subprocess.run([sys.executable, "-c", code, name, str(path)], cwd=ROOT, check=True)
    size = path.stat().st_size
    words = [sys.executable, "-m", "mtedbg", "core", str(path), *(["-x", line] if line else [])]
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(words, cwd=ROOT, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    said = (folder / "err").read_text()
    assert "Traceback" not in said
    assert process.returncode in (0, 1), said
    assert usage.ru_maxrss * 1024 < MOST_MEMORY + size
    assert usage.ru_utime + usage.ru_stime < MOST_S + size / A_SECOND + EXTRA_S
    written = (folder / "out").stat().st_size
    assert written + len(said) < MOST_TEXT
    assert written or said
