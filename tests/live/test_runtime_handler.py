"""The fault handler's own program, on real tags, words and signals under QEMU's user mode."""

import subprocess
from pathlib import Path

from tests.support.compile import ROOT

PROGRAM = ROOT / "native/build/cross/test_handler"
TIMEOUT_S = 120


def test_every_row_of_the_decision_table(tmp_path: Path) -> None:
    done = subprocess.run(
        ["qemu-aarch64", "-cpu", "max", str(PROGRAM)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
