"""The fault handler's own programs, on real tags, words and signals under QEMU's user mode.

`test_handler`: every row of the decision table. `test_signals`: faults in the middle of somebody's
signal handler, and those that are not the runtime's. And what a patch tells whom.
"""

import subprocess
from pathlib import Path

import pytest

from tests.support.compile import ROOT
from tests.support.trace import Event, What, read

PROGRAMS = ROOT / "native/build/cross"
TIMEOUT_S = 300
SYNC_CORE = 1 << 5  # MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE


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


def patches_and_barriers(guest: str, folder: Path) -> tuple[int, int]:
    """How many patches, and how many synchronisations of all cores, a run's trace has."""
    trace = folder / f"{guest}.trace"
    subprocess.run(
        ["qemu-aarch64", "-cpu", "max", str(PROGRAMS / "mtetso"),
         "--data-start", "shared", "--trace", str(trace), str(PROGRAMS / f"guests/{guest}.elf")],
        capture_output=True, timeout=TIMEOUT_S, check=True,
    )  # fmt: skip
    records = list(read(trace))
    patches = sum(one.what == What.EVENT and one.event == Event.PATCH for one in records)
    barriers = [one for one in records if one.what == What.BARRIER]
    return patches, sum(one.first == SYNC_CORE for one in barriers)


def test_only_other_threads_are_told_of_new_words(tmp_path: Path) -> None:
    alone, barriers = patches_and_barriers("lz", tmp_path)
    # Those that there are come from new blocks, which the thread that runs has not made itself.
    assert 0 < barriers < alone
    several, barriers = patches_and_barriers("message", tmp_path)
    assert 0 < several <= barriers
