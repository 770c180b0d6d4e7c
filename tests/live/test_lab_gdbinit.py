"""Sourcing one file is all it takes, in Debian's GDB (another Python) and in the environment's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mtedbg.lab import paths

OWN = Path(sys.executable).parent / "gdb"
FLAVOURS = [pytest.param("gdb-multiarch", id="debian"), pytest.param(str(OWN), id="environment")]
QUIET = ["-nx", "-batch", "-iex", "set debuginfod enabled off"]
BUDGET_S = 0.060
RUNS = 7


def gdb(flavour: str, *commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [flavour, *QUIET]
    for command in commands:
        words += ["-ex", command]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_commands_are_there_after_sourcing(flavour: str, tmp_path: Path) -> None:
    done = gdb(flavour, f"source {paths.gdbinit()}", "help mte-tags", folder=tmp_path)
    assert "Usage: mte-tags [ADDR]" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_copy_elsewhere_says_what_to_do(flavour: str, tmp_path: Path) -> None:
    copy = tmp_path / "mtedbg.gdb"
    shutil.copy(paths.gdbinit(), copy)
    done = gdb(flavour, f"source {copy}", folder=tmp_path)
    assert "Traceback" not in done.stderr
    assert "mtedbg install gdb" in done.stderr


def start_up_time(flavour: str, *commands: str, folder: Path) -> float:
    """The least processor time of several starts, in seconds: what others run does not count."""

    def once() -> float:
        before = os.times()
        gdb(flavour, *commands, folder=folder)
        after = os.times()
        used = after.children_user + after.children_system
        return used - before.children_user - before.children_system

    return min(once() for _ in range(RUNS))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_loading_stays_within_its_budget(flavour: str, tmp_path: Path) -> None:
    # Python's own start-up is GDB's: a first `python` command is in both.
    bare = start_up_time(flavour, "python pass", folder=tmp_path)
    loaded = start_up_time(flavour, "python pass", f"source {paths.gdbinit()}", folder=tmp_path)
    assert loaded - bare < BUDGET_S
