"""Backtraces through box64's and LuaJIT's code in GDB and LLDB, of cores and live under QEMU."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.live.test_jit_packages import lldb
from tests.support import gdb_session
from tests.support.compile import ROOT
from tests.support.oracles import gdb
from tests.support.packages import QEMU, Died, died
from tests.support.translated import FOLDER, box64, guest, line_of, luajit

EXTENSION = f"source {ROOT / 'gdbinit/mtedbg_gdb.py'}"


@pytest.fixture(scope="module")
def translated(tmp_path_factory: pytest.TempPathFactory) -> Died:
    """An x86-64 program that died under box64."""
    folder = tmp_path_factory.mktemp("translated")
    (folder / "list").write_bytes(guest("list").read_bytes())
    return died(box64(), ["/usr/bin/box64", str(guest("list")), "null"], folder)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Died:
    """A script that died in a trace of LuaJIT's."""
    environment = {"LUA_PATH": f"{luajit()}/usr/share/luajit-2.1/?.lua"}
    argv = ["/usr/bin/luajit", str(FOLDER / "freed.lua")]
    return died(luajit(), argv, tmp_path_factory.mktemp("traced"), environment)


def test_an_x86_program_in_gdb(translated: Died, tmp_path: Path) -> None:
    said = gdb(translated.core, box64() / "usr/bin/box64", tmp_path, EXTENSION, "bt")
    line = line_of("list.c", "/* near null */")
    assert re.search(rf"^#0 .* fail at \S*list\.c:{line} \[guest 0x\w+, block, box64 ", said, re.M)
    assert re.search(r"^#\d+ .* my___libc_start_main ", said, re.M), said
    assert re.search(r"^#\d+ .* __libc_start_main \(of the host\) ", said, re.M), said


def test_an_x86_program_in_lldb(translated: Died) -> None:
    said = lldb(translated.core, box64() / "usr/bin/box64")
    line = line_of("list.c", "/* near null */")
    assert re.search(rf"frame #0: .*\bfail at \S*list\.c:{line} \[guest 0x\w+, block, ", said), said


def test_a_trace_in_gdb_and_lldb(traced: Died, tmp_path: Path) -> None:
    program = luajit() / "usr/bin/luajit"
    place = rf"freed\.lua:9 at \S*freed\.lua:{line_of('freed.lua', '-- read after free')} \[trace "
    by_gdb = gdb(traced.core, program, tmp_path, EXTENSION, "bt")
    for said in (by_gdb, lldb(traced.core, program)):
        assert re.search(rf"#0:? .*{place}", said), said
    # What called it has no name there: the core does not say where files were mapped.
    assert re.search(r"^#1 +0x[0-9a-f]+ ", by_gdb, re.M), by_gdb


def test_a_running_x86_program_in_gdb(tmp_path: Path) -> None:
    # box64 starts itself anew: QEMU's stub would lose it there, so that it is met later.
    root, socket = box64(), tmp_path / "gdb"
    qemu = shutil.which(QEMU[0])
    assert qemu
    command = [qemu, "-cpu", "max,sve=off,sme=off", "-g", f"{socket},suspend=n", "-L", str(root)]
    command += [str(root / "usr/bin/box64"), str(guest("list")), "run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"1770\n"
            arguments = [str(root / "usr/bin/box64"), "-ex", f"set sysroot {root}"]
            with gdb_session.gdb("gdb18", arguments) as session:
                session.execute(f"target remote {socket}")
                rows = session.rows("guest-bt")
                assert rows[-1]["function"] == "main"
                assert re.search(r"list\.c:\d+$", rows[-1]["line"])
                (row,) = session.rows("jit-block $pc")
                assert (row["source"], row["version"]) == ("box64", "box64 0.3.4")
                calls = session.execute("bt")
                assert "[guest 0x" in calls
                assert "my___libc_start_main" in calls
                assert "_start" in calls
        finally:
            process.kill()
