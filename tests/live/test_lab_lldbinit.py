"""Importing one file is all it takes, in Debian's LLDB and in the environment's."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mtedbg.cli import main
from mtedbg.lab import paths
from tests.support.cost import BUDGET_S, load_cost
from tests.support.lldb_session import LLDBS


def words(flavour: str, *commands: str, home: bool = False) -> list[str]:
    start = [LLDBS[flavour], "--batch", *([] if home else ["--no-lldbinit"])]
    return [*start, *(word for command in commands for word in ("--one-line", command))]


def surroundings(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm"}


def lldb(
    flavour: str, *commands: str, folder: Path, home: bool = False
) -> subprocess.CompletedProcess[str]:
    """LLDB in batch mode; with `home` it reads the init file in `folder`."""
    return subprocess.run(
        words(flavour, *commands, home=home), cwd=folder, env=surroundings(folder),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("flavour", LLDBS)
def test_commands_are_there_once_installed(
    flavour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["install", "lldb"]) == 0
    done = lldb(flavour, "help mte-tags", folder=tmp_path, home=True)
    assert "Usage: mte-tags [ADDR]" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("flavour", LLDBS)
def test_importing_it_twice_is_no_conflict(flavour: str, tmp_path: Path) -> None:
    line = f"command script import {paths.lldbinit()}"
    done = lldb(flavour, line, line, f"{line} --allow-reload", "help mte-tags", folder=tmp_path)
    assert "Usage: mte-tags [ADDR]" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("flavour", LLDBS)
def test_a_name_that_is_taken_is_left_alone(flavour: str, tmp_path: Path) -> None:
    lines = ("command alias mte-tags version", f"command script import {paths.lldbinit()}")
    done = lldb(flavour, *lines, "mte-tags", "help mte-fault", folder=tmp_path)
    assert "mtedbg: `mte-tags` belongs to another extension; ours is `mte tags`" in done.stderr
    assert "lldb version" in done.stdout
    assert "Usage: mte-fault" in done.stdout


@pytest.mark.parametrize("flavour", LLDBS)
def test_a_copy_elsewhere_says_what_to_do(flavour: str, tmp_path: Path) -> None:
    copy = tmp_path / "mtedbg_lldb.py"
    shutil.copy(paths.lldbinit(), copy)
    done = lldb(flavour, f"command script import {copy}", folder=tmp_path)
    assert "Traceback" not in done.stderr
    assert "mtedbg install lldb" in done.stderr


@pytest.mark.parametrize("flavour", LLDBS)
def test_captured_output_has_no_colour(flavour: str, tmp_path: Path) -> None:
    lines = ("settings set use-color true", f"command script import {paths.lldbinit()}")
    done = lldb(flavour, *lines, "help mte-check", "mte-check 0", folder=tmp_path)
    assert "no program is being debugged" in done.stderr
    # LLDB moves its cursor where it lists options.
    assert "\x1b" not in done.stdout.partition("Columns:")[2]


@pytest.mark.serial
@pytest.mark.parametrize("flavour", LLDBS)
def test_loading_stays_within_its_budget(flavour: str, tmp_path: Path) -> None:
    # Python's own start-up is LLDB's: a first `script` command is in both.
    bare = words(flavour, "script pass")
    loaded = words(flavour, "script pass", f"command script import {paths.lldbinit()}")
    assert load_cost(bare, loaded, tmp_path, surroundings(tmp_path)) < BUDGET_S
