"""No file of the current folder is run, whatever it is called and however mtedbg is started."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from mtedbg.lab import paths
from tests.support.gdb_session import GDBS
from tests.support.lldb_session import LLDBS

ROOT = Path(__file__).parents[2]
CORES = ROOT / "tests/golden/cores"
PROGRAM = Path(sys.executable).parent / "mtedbg"
IMPORT = re.compile(rb"^\s*(?:import|from)\s+([A-Za-z_]\w*)", re.M)
LEAST_NAMES = 500
TRAP = """\
import os
trapped = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.write(trapped, {name!r})
raise ImportError("this must not have been imported")
"""


@cache
def module_names() -> frozenset[str]:
    """What anything here may want to import, found or not: Python, the libraries, mtedbg."""
    names = {*sys.stdlib_module_names, "sitecustomize", "usercustomize", "mtedbg", "gdb", "lldb"}
    for root in (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), ROOT / "mtedbg"):
        for here, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in ("test", "tests", "idlelib")]
            for file in files:
                if file.endswith(".py"):
                    text = Path(here, file).read_bytes()
                    names |= {found.decode() for found in IMPORT.findall(text)}
    return frozenset(names)


class Folder:
    """A folder with a core and a trap under every name, and a home outside of it."""

    def __init__(self, folder: Path) -> None:
        self.here, self.home = folder / "here", folder / "home"
        self.log = folder / "trapped"
        self.here.mkdir()
        self.home.mkdir()
        assert len(module_names()) > LEAST_NAMES
        for name in module_names():
            trap = TRAP.format(log=str(self.log), name=f"{name}.py ".encode())
            (self.here / f"{name}.py").write_text(trap)
        shell = f"echo -n init-file >> {self.log}"
        for name in (".gdbinit", "gdbinit", ".gdbearlyinit"):
            (self.here / name).write_text(f"shell {shell}\n")
        (self.here / ".lldbinit").write_text(f"platform shell {shell}\n")
        with gzip.open(CORES / "heap.core.gz") as packed:
            (self.here / "core").write_bytes(packed.read())

    def run(self, words: Sequence[str | Path], given: str = "") -> str:
        """What is written to standard output by a program that is started there."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DEBUGINFOD_URLS": "",
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        }
        done = subprocess.run(
            list(map(str, words)), cwd=self.here, env=environment, input=given,
            capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    def trapped(self) -> set[str]:
        """The files that were run."""
        return set(self.log.read_text().split()) if self.log.exists() else set()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("traps"))


@pytest.fixture(autouse=True)
def _empty(folder: Folder) -> None:
    folder.log.unlink(missing_ok=True)


def test_the_trap_works(folder: Folder) -> None:
    """Python itself falls into it; what starts helpers must know better."""
    folder.run([sys.executable, "-c", "import selectors"])
    assert "selectors.py" in folder.trapped()


OFFLINE = {
    "core": (["core", "core"], "mte-fault"),
    "core-html": (["core", "core", "--html", "page.html"], "written"),
    "core-command": (["core", "core", "-x", "jit-disas $pc", "-x", "mte-find 3"], "mte-find"),
    "triage": (["triage", ".", "--state", "state", "--workers", "3"], "heap"),
    "triage-html": (["triage", "core", "--fresh", "--html", "triage.html"], "written"),
    "triage-cluster": (
        ["triage", ".", "--fresh", "--scheduler", "tcp://127.0.0.1:1"],
        "no scheduler answers",
    ),
    "explain": (["explain", "signal 11 (SIGSEGV), code 9 (SEGV_MTESERR)"], "SEGV_MTESERR"),
    "doctor": (["doctor"], "GDB 12"),
    "install": (["install", "lldb"], "line"),
    "help": (["--help"], "triage"),
    "lab": (["lab", "--", "./program"], "hello"),
}


@pytest.mark.parametrize("name", OFFLINE)
def test_mtedbg_runs_nothing_of_the_current_folder(folder: Folder, name: str) -> None:
    words, expected = OFFLINE[name]
    if name == "lab":
        source = folder.here / "program.c"
        source.write_text('#include <stdio.h>\nint main(void) { puts("hello"); }\n')
        compiler = shutil.which("aarch64-linux-gnu-gcc")
        assert compiler
        subprocess.run([compiler, "-o", folder.here / "program", source], check=True)
    assert expected in folder.run([PROGRAM, *words])
    assert folder.trapped() == set()


@pytest.mark.parametrize("flavour", GDBS)
def test_the_shell_runs_nothing_of_it(folder: Folder, flavour: str) -> None:
    """Not even where the user trusts every folder."""
    (folder.home / ".gdbinit").write_text("set auto-load safe-path /\n")
    words = [PROGRAM, "shell", "--core", "core", "--gdb", str(GDBS[flavour])]
    assert "fault" in folder.run(words, "mte-fault\njit-disas $pc\n")
    assert folder.trapped() == set()


def test_run_runs_nothing_of_it(folder: Folder) -> None:
    assert "pc" in folder.run([PROGRAM, "run", "arith"], "mte-fault\njit-disas $pc\n")
    assert folder.trapped() == set()


@pytest.mark.parametrize("flavour", GDBS)
def test_gdb_runs_nothing_of_it(folder: Folder, flavour: str) -> None:
    (folder.home / ".gdbinit").unlink(missing_ok=True)
    words = [GDBS[flavour], "--batch", "-x", paths.gdbinit(), "-c", "core"]
    for line in ("mte-fault", "jit-disas $pc", "mte-regions"):
        words += ["-ex", line]
    assert "fault" in folder.run(words)
    assert folder.trapped() == set()


@pytest.mark.parametrize("flavour", LLDBS)
def test_lldb_runs_no_more_of_it_than_without(folder: Folder, flavour: str) -> None:
    """LLDB's own start asks for modules that are not there, with the current folder on the path."""
    start = [LLDBS[flavour], "--batch", "-c", "core"]
    folder.run([*start, "-o", "script print(1)"])
    by_itself = folder.trapped()
    folder.log.unlink(missing_ok=True)
    for line in (
        f"command script import {paths.lldbinit()}",
        "mte-fault",
        "mte-regions",
        "script import sys; print('relative:', [p for p in sys.path if p[:1] != '/'])",
        "jit-disas $pc",
    ):
        start += ["-o", line]
    output = folder.run(start)
    assert "fault" in output
    assert "relative: []" in output
    assert folder.trapped() <= by_itself
