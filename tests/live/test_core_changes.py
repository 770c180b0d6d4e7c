"""A core that is cut off while a debugger has it: commands still answer, and nobody dies of it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from mtedbg.shell.records import DebuggerError
from tests.golden.cases import unpacked
from tests.support.gdb_session import GDBS, gdb
from tests.support.lldb_session import LLDBS, lldb

CORE = "heap-thread"


@pytest.mark.parametrize("flavour", GDBS)
def test_in_gdb(tmp_path: Path, flavour: str) -> None:
    core = unpacked(CORE, tmp_path)
    with gdb(flavour, ["--core", core]) as session:
        assert session.rows("mte-regions")
        os.truncate(core, 8192)
        for command in ("mte-fault", "mte-regions", "mte-tags $sp 4096"):
            # GDB 18's library for threads reads the core as well, and GDB says that it cannot.
            with suppress(DebuggerError):
                assert session.json(command)["rows"]
        assert session.execute("print 6 * 7").endswith("= 42\n")


@pytest.mark.parametrize("flavour", LLDBS)
def test_in_lldb(tmp_path: Path, flavour: str) -> None:
    """What LLDB itself reads of its own mapping is its own affair: tags and threads are ours."""
    core = unpacked(CORE, tmp_path)
    with lldb(flavour, ["--core", core]) as session:
        assert session.rows("mte-regions")
        os.truncate(core, 8192)
        assert session.rows("mte-regions")
        assert session.rows("mte-ctl")
