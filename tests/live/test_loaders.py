"""What loads mtedbg into a debugger: without /proc, and where the debugger's Python is too old."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

from tests.support.compile import ROOT
from tests.unit.test_other_systems import WITHOUT_PROC

GDB = ROOT / "gdbinit/mtedbg_gdb.py"
LLDB = ROOT / "lldbinit/mtedbg_lldb.py"
OLD = (3, 10)
BIN = Path(sys.executable).parent


@pytest.mark.parametrize("gdb", ["gdb-multiarch", str(BIN / "gdb")])
def test_gdb_loads_without_proc(gdb: str) -> None:
    commands = [f"source {GDB}", "help mte-tags"]
    words = [gdb, "-nx", "-batch", *(word for line in commands for word in ("-ex", line))]
    done = subprocess.run(
        [*WITHOUT_PROC, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Usage: mte-tags" in done.stdout
    assert "mtedbg" not in done.stderr


def test_lldb_loads_without_proc() -> None:
    """PyPI's LLDB for Linux does not start there itself: its library is found by /proc/self/exe."""
    commands = [f"command script import {LLDB}", "help mte-tags"]
    words = ["lldb-19", "--no-lldbinit", "--batch", *(w for line in commands for w in ("-o", line))]
    done = subprocess.run(
        [*WITHOUT_PROC, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert "The allocation tags around ADDR" in done.stdout


def test_a_file_of_commands_says_what_to_load_where_it_cannot_find_itself() -> None:
    file = GDB.with_name("mtedbg.gdb")
    words = ["gdb-multiarch", "-nx", "-batch", "-ex", f"source {file}"]
    done = subprocess.run(
        [*WITHOUT_PROC, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert "source mtedbg_gdb.py, beside it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("file", [GDB, LLDB])
def test_the_grammar_is_that_of_old_pythons(file: Path) -> None:
    """No annotation, no f-string, nothing that a Python of before 3.6 does not read."""
    tree = ast.parse(file.read_text(), feature_version=(3, 4))
    for node in ast.walk(tree):
        assert not isinstance(node, ast.AnnAssign | ast.JoinedStr | ast.NamedExpr)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert all(each.annotation is None for each in node.args.args)
            assert not node.args.posonlyargs
            assert not node.args.kwonlyargs


class _OldSys(types.ModuleType):
    """`sys` of a Python that is too old."""

    def __init__(self) -> None:
        super().__init__("sys")
        self.version_info, self.stderr = OLD, io.StringIO()
        self.path: list[str] = []
        self._getframe = sys._getframe


def test_an_old_python_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    gdb = types.ModuleType("gdb")
    gdb.STDERR = 1  # type: ignore[attr-defined]
    gdb.write = lambda text, _stream: said.append(text)  # type: ignore[attr-defined]
    old = _OldSys()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "gdb", gdb)
        patch.setitem(sys.modules, "sys", old)
        exec(compile(GDB.read_text(), str(GDB), "exec"), {})
        names: dict[str, types.FunctionType] = {"__file__": str(LLDB)}  # type: ignore[dict-item]
        exec(compile(LLDB.read_text(), str(LLDB), "exec"), names)
        names["__lldb_init_module"](None, {})
    said.append(old.stderr.getvalue())
    for line, extra in zip(said, ("gdb", "lldb"), strict=True):
        assert line.count("\n") == 1
        assert "3.11 or newer; this one's is 3.10" in line
        assert f"mtedbg[{extra}]" in line


def test_the_oldest_python_is_the_packages() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    for file in (GDB, LLDB):
        found = re.search(r"(?i)oldest = \((\d+), (\d+)\)", file.read_text())
        assert found
        assert required == f">={found[1]}.{found[2]}"
