"""Sourcing one file is all it takes, in Debian's GDB (another Python) and in the environment's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mtedbg.lab import paths
from tests.support.cost import BUDGET_S, load_cost

OWN = Path(sys.executable).parent / "gdb"
FLAVOURS = [pytest.param("gdb-multiarch", id="debian"), pytest.param(str(OWN), id="environment")]
QUIET = ["-nx", "-batch", "-iex", "set debuginfod enabled off"]


def words(flavour: str, *commands: str) -> list[str]:
    return [flavour, *QUIET, *(word for command in commands for word in ("-ex", command))]


def surroundings(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder)}


def gdb(flavour: str, *commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(flavour, *commands), cwd=folder, env=surroundings(folder),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("name", ["mtedbg_gdb.py", "mtedbg.gdb"])
def test_commands_are_there_after_sourcing(flavour: str, name: str, tmp_path: Path) -> None:
    file = paths.gdbinit().with_name(name)
    done = gdb(flavour, f"source {file}", "help mte-tags", folder=tmp_path)
    assert "Usage: mte-tags [ADDR]" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_copy_elsewhere_says_what_to_do(flavour: str, tmp_path: Path) -> None:
    copy = tmp_path / "mtedbg_gdb.py"
    shutil.copy(paths.gdbinit(), copy)
    done = gdb(flavour, f"source {copy}", folder=tmp_path)
    assert "Traceback" not in done.stderr
    assert "mtedbg install gdb" in done.stderr


@pytest.mark.serial
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_loading_stays_within_its_budget(flavour: str, tmp_path: Path) -> None:
    # Python's own start-up is GDB's: a first `python` command is in both.
    bare = words(flavour, "python pass")
    loaded = words(flavour, "python pass", f"source {paths.gdbinit()}")
    assert load_cost(bare, loaded, tmp_path, surroundings(tmp_path)) < BUDGET_S
