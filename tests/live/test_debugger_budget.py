"""The budget of a report in debuggers: what was not read is said, and a setting allows more."""

from __future__ import annotations

from pathlib import Path

import pytest

from mtedbg.shell.gdbmi import DebuggerError
from tests.golden.cases import unpacked
from tests.support.gdb_session import GDBS, gdb
from tests.support.lldb_session import LLDBS, lldb

TIGHT = "Limits(read=1, records=1, times=0)"
"""In place of the usual limits, which only a hostile file meets."""
LINE = "mte-tags 0xffffbad09053 16*256"
OVER = "not read: the budget of this report is used up"


def tight(debugger: str) -> str:
    """A line of Python that makes the usual limits tight."""
    modules = f"from mtedbg.adapters.{debugger} import sessions; from mtedbg.budget import Limits"
    return f"{modules}; sessions.USUAL = {TIGHT}"


@pytest.mark.parametrize("flavour", GDBS)
def test_gdb(flavour: str, tmp_path: Path) -> None:
    with gdb(flavour, ["-c", unpacked("sync", tmp_path)]) as session:
        whole = session.execute(LINE)
        session.execute(f"python {tight('gdb')}")
        assert OVER in session.execute(LINE)
        session.execute("set mtedbg budget 100000")
        assert session.execute(LINE) == whole
        assert session.machine("-gdb-show mtedbg budget")["value"] == "100000"
        for wrong in ("0", "1000001", "much"):
            with pytest.raises(DebuggerError):
                session.execute(f"set mtedbg budget {wrong}")
        assert session.machine("-gdb-show mtedbg budget")["value"] == "100000"
        assert "budget: 100000" in session.execute("show mtedbg")
        assert "core" in session.execute("help set mtedbg budget")


@pytest.mark.parametrize("flavour", LLDBS)
def test_lldb(flavour: str, tmp_path: Path) -> None:
    with lldb(flavour, ["--core", unpacked("sync", tmp_path)]) as session:
        whole = session.execute(LINE)
        session.execute(f"script {tight('lldb')}")
        assert OVER in session.execute(LINE)
        assert "budget: 1\n" in session.execute("mtedbg set budget")
        session.execute("mtedbg set budget 100000")
        assert session.execute(LINE) == whole
        for wrong in ("0", "1000001", "much", "-1", "1 2", ""):
            with pytest.raises(DebuggerError, match="usage: mtedbg set budget N"):
                session.execute(f"mtedbg set budget {wrong}" if wrong else "mtedbg set patience 1")
        assert "budget: 100000" in session.execute("mtedbg set budget")
        assert "mtedbg set budget N" in session.execute("help mtedbg set")
