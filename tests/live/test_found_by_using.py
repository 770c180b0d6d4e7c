"""What people typed, and what it was answered wrongly once: each with its whole kind.

Longer transcripts are elsewhere: docs/walkthrough.md as it is written (test_walkthrough), a
handler's stale frame record (test_calls), stops inside handlers (test_handlers_debuggers), a
history without duplicates and names that GEF takes (test_gdb_console), the demo under the oldest
GDB (test_demo), a connection before there is a target (test_lldb_user), JITs without a debug root
(test_other_jits).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mtedbg.commands import Takes, all_commands, overview
from tests.golden.cases import unpacked
from tests.support import gdb_session, lldb_session
from tests.support.compile import compiled

DEBUGGERS = (*gdb_session.GDBS, *lldb_session.LLDBS)
SPANS = [
    command.name
    for command in all_commands()
    if any(argument.kind is Takes.SIZE for argument in command.arguments)
]
"""The commands that take ADDR and LEN."""


def mtedbg(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mtedbg", *map(str, words)],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("runtime-threads", tmp_path_factory.mktemp("core"))


def line(name: str, address: str) -> str:
    """A command about some bytes at an address."""
    return {"mte-find": f"mte-find 3 {address}", "mte-set": f"mte-set {address} 3"}.get(
        name, f"{name} {address}"
    )


def said(session: gdb_session.Session | lldb_session.Session, command: str) -> str:
    try:
        return session.execute(command)
    except Exception as error:
        return str(error)


@pytest.mark.parametrize("flavour", DEBUGGERS)
def test_a_debugger_on_a_core(flavour: str, core: Path) -> None:
    """`p +16` is never silently a length, nor is a comma's second half the whole."""
    module = gdb_session.gdb if flavour.startswith("gdb") else lldb_session.lldb
    with module(flavour, ["-c", core]) as session:
        for name in SPANS:
            assert "may be one expression or two" in said(session, line(name, "$x16 +16")), name
            assert "and no comma" in said(session, line(name, "$x16, 16")), name
        assert said(session, "mte-tags $x16 + 16 64") == said(session, 'mte-tags "$x16+16" 64')
        assert said(session, "mte-tags (char *)$x16 + 020 64") == said(
            session, "mte-tags $x16+16 64"
        )
        assert "A space ends an expression" in said(session, "help mte-tags").replace("\n", " ")
        # Every thread is named, in rows as well.
        assert re.search(r"^thread +1$", said(session, "mte-fault --all-threads"), re.MULTILINE)
        rows = json.loads(said(session, "mte-fault --all-threads --json"))["rows"]
        assert [row["thread"] for row in rows] == [1]
        assert "LEN is 0x1000000000000: not a length" in said(session, "mte-tags $x16 1<<48")
        everything = said(session, "help mtedbg")
        assert [one for one in overview().splitlines() if one.split()[0] not in everything] == []


def test_offline(core: Path) -> None:
    for name in SPANS:
        if name != "mte-set":
            assert (
                "may be one expression" in mtedbg("core", core, "-x", line(name, "$x16 +16")).stderr
            )
    for words in ("jit block $pc", "memop log -n 1", "mte tags $x16 16", "jit-block $pc"):
        as_text, as_json = (mtedbg("core", core, "-x", words + more) for more in ("", " --json"))
        assert (as_text.returncode, as_json.returncode) == (0, 0), words
        assert json.loads(as_json.stdout)["schema"] == "mtedbg/report/1", words
        assert as_text.stdout != as_json.stdout


def test_functions_without_a_table(tmp_path: Path) -> None:
    """Of a process that nobody describes, and of one whose runtime has no such function."""
    done = mtedbg("core", unpacked("sync", tmp_path), "-x", "jit-blocks --function main")
    assert done.returncode == 1
    assert done.stderr.startswith("mtedbg: no runtime with a debug root is in this process\n")
    done = mtedbg("core", unpacked("runtime-threads", tmp_path), "-x", "jit-blocks --function no")
    assert done.returncode == 2
    assert "no guest function is called 'no'" in done.stderr


def test_one_is_one_and_what_lives_is_not_dumped() -> None:
    with gdb_session.under_qemu("gdb18", compiled("visit", "-static")) as (session, _):
        session.execute("break visit")
        session.resume("continue")
        shown = session.execute("mte-regions")
        assert shown.startswith("1 tagged mapping, ")
        assert "dumped" not in shown
        assert "1 granule from" in session.execute("mte-set $x0 16 3")
        assert "2 granules from" in session.execute("mte-set $x0 32 3")


@pytest.mark.parametrize("flavour", lldb_session.LLDBS)
def test_a_mistake_in_a_condition_is_short(flavour: str, core: Path) -> None:
    with lldb_session.lldb(flavour, ["-c", core]) as session:
        for wrong in ("lldb.frame, 'nosuch'", "None, 'x'"):
            shown = session.execute(f"script mte_atag({wrong})").strip().splitlines()
            assert shown[-1].startswith("mtedbg: ")
            assert len(shown) <= 5


def test_libraries_without_a_loader(tmp_path: Path) -> None:
    (tmp_path / "libraries").mkdir()
    program = compiled("report")
    done = mtedbg("lab", "--libraries", "libraries", "--", program, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        "mtedbg: libraries has no ld-linux-aarch64.so.1, which report is started by"
    )


def test_doctor_asks_for_what_reads_compressed_cores() -> None:
    assert re.search(r"^ +ok +Python's zstandard +\d", mtedbg("doctor").stdout, re.MULTILINE)
