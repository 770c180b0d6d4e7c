"""The debuggers of set-up give the answers that a core gives alone; `make debuggers` asks more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.golden.cases import unpacked
from tests.live.debugger_versions import answers, compared, without_debugger

BIN = Path(sys.executable).parent
HERE = (
    ("gdb", Path("/usr/bin/gdb-multiarch")),
    ("gdb", BIN / "gdb"),
    ("lldb", Path("/usr/bin/lldb-19")),
    ("lldb", BIN / "lldb"),
)


@pytest.mark.parametrize(("kind", "path"), HERE, ids=["gdb13", "gdb18", "lldb19", "lldb23"])
def test_rows_and_the_programs_path_are_the_same(tmp_path: Path, kind: str, path: Path) -> None:
    core = unpacked("heap", tmp_path)
    assert [compared(one) for one in answers(kind, path, core)] == without_debugger(core)
