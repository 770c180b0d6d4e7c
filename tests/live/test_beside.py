"""Scripts beside an object: a debugger that opens it has mtedbg's commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mtedbg.cli import main
from tests.support.compile import ROOT

BIN = Path(sys.executable).parent
GDBS = ["gdb-multiarch", str(BIN / "gdb")]
LLDBS = ["lldb-19", str(BIN / "lldb")]
PROGRAM = ROOT / "native/build/cross/mtetso"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A copy of the runtime, which has a debug root, in a folder with a blank in its name."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    copy = folder / "mtetso"
    copy.write_bytes(PROGRAM.read_bytes())
    return copy


def gdb(gdb: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [gdb, "-nx", "-batch", "-iex", "set debuginfod enabled off", *words],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("flavour", GDBS)
def test_gdb_loads_it_with_the_object_where_that_is_safe(
    program: Path, flavour: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", "gdb", "--beside", str(program)]) == 0
    said = capsys.readouterr().out
    script = program.with_name("mtetso-gdb.py")
    assert (
        said == f"written: {script}\n  GDB runs it after: add-auto-load-safe-path {script.parent}\n"
    )
    safe = ("-iex", f"add-auto-load-safe-path {script.parent}")
    done = gdb(flavour, *safe, str(program), "-ex", "help mte-tags")
    assert "Usage: mte-tags" in done.stdout
    assert done.stderr == ""
    declined = gdb(flavour, str(program), "-ex", "help mte-tags")
    assert "auto-loading has been declined" in declined.stderr
    assert "Usage" not in declined.stdout


@pytest.mark.parametrize("flavour", LLDBS)
def test_lldb_imports_it(program: Path, flavour: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "lldb", "--beside", str(program)]) == 0
    needed = capsys.readouterr().out.splitlines()[1].partition(": ")[2]
    command, _, file = needed.partition(" import ")
    words = [f'{command} import "{file}"', "help mte-tags"]
    done = subprocess.run(
        [flavour, "--no-lldbinit", "--batch", *(w for line in words for w in ("-o", line))],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "The allocation tags around ADDR" in done.stdout


def test_a_script_for_nothing_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", "gdb", "--beside", str(tmp_path / "no")]) == 2
    assert "is not a file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_line_alone_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "gdb", "--print"]) == 0
    line = capsys.readouterr().out.strip()
    assert "Usage: mte-tags" in gdb("gdb-multiarch", "-ex", line, "-ex", "help mte-tags").stdout
