"""The fault handler's own programs, on real tags, words and signals under QEMU's user mode.

`test_handler`: every row of the decision table. `test_signals`: faults in the middle of somebody's
signal handler, and those that are not the runtime's.
"""

import subprocess
from pathlib import Path

import pytest

from tests.support.compile import ROOT

PROGRAMS = ROOT / "native/build/cross"
TIMEOUT_S = 300


@pytest.mark.parametrize("program", ["test_handler", "test_signals"])
def test_real_faults(program: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["qemu-aarch64", "-cpu", "max", str(PROGRAMS / program)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
