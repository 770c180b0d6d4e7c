"""In an editor: the debug console answers every command, over the Debug Adapter Protocol."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.commands import all_commands
from mtedbg.lab import paths, user
from tests.golden.cases import unpacked
from tests.support.compile import ROOT
from tests.support.dap import Dap

GDB = Path(sys.executable).parent / "gdb"
PAGE = ROOT / "docs/vscode.md"
NEEDS_WORDS = {
    "mte-tags": "0x403000 64",
    "mte-check": "0x403000",
    "mte-find": "1 0x403000 4096",
    "mte-set": "0x403000 16 1",
    "jit-block": "$pc",
}


@pytest.fixture(scope="module")
def gdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dap]:
    """GDB's adapter as the page's configuration starts it, stopped on a fault in JIT code."""
    guest = paths.guests() / "message.elf"
    words = [GDB, "-i=dap", "-nx", "-iex", "set debuginfod enabled off"]
    words += ["-x", ROOT / "gdbinit/mtedbg_gdb.py"]
    with (
        user.start([paths.runtime(), "--cores", "2", guest]) as program,
        Dap(words, tmp_path_factory.mktemp("dap")) as dap,
    ):
        dap.ask("initialize", clientID="tests", adapterID="gdb")
        attach = {"program": str(paths.runtime()), "target": str(program.socket)}
        number = dap.send("attach", attach)
        dap.wait_for("initialized")
        dap.ask("configurationDone")
        assert dap.answer(number)["success"]
        dap.typed("handle SIGSEGV stop print pass")
        dap.events.clear()
        dap.ask("continue", threadId=1)
        dap.wait_for("stopped")
        yield dap


@pytest.mark.parametrize("name", [one.name for one in all_commands()])
def test_every_command_answers(gdb: Dap, name: str) -> None:
    if name in ("mte-step", "mte-catch"):  # they let the program go on
        assert "Usage" in gdb.typed(f"help {name}")
        return
    said = gdb.typed(f"{name} {NEEDS_WORDS.get(name, '')}")
    assert said.strip()
    assert "Traceback" not in said
    if name == "mte-fault":
        assert said.startswith("tag check fault (synchronous)")


def test_long_answers_are_whole(gdb: Dap) -> None:
    rows = json.loads(gdb.typed("memops --json"))["rows"]
    lines = gdb.typed("memops").splitlines()
    listed = [line for line in lines if re.match(r"\s*\d+  0x", line)]
    assert len(listed) == len(rows) > 20
    assert len(json.loads(gdb.typed("jit-disas 3 -n 2000 --json"))["rows"]) > 100


def test_an_error_is_the_answer(gdb: Dap) -> None:
    said = gdb.typed("mte-tags nosuch")
    assert "no symbol or variable 'nosuch' here" in said
    assert "Traceback" not in said


def test_lldbs_adapter(tmp_path: Path) -> None:
    core = unpacked("heap", tmp_path)
    load = f"command script import {ROOT / 'lldbinit/mtedbg_lldb.py'}"
    with Dap(["lldb-dap-19"], tmp_path) as dap:
        dap.ask("initialize", clientID="tests", adapterID="lldb-dap")
        words = {"coreFile": str(core), "program": str(core.with_name("heap"))}
        number = dap.send("attach", {**words, "initCommands": [load]})
        dap.wait_for("initialized")
        dap.ask("configurationDone")
        assert dap.answer(number)["success"]
        assert "tag check fault (synchronous)" in dap.typed("`mte-fault")
        typed, _, answer = dap.typed("`mte-regions --json").partition("\n")  # it is echoed
        assert typed == "(lldb) mte-regions --json"
        assert len(json.loads(answer)["rows"]) == 1
        assert "no symbol or variable 'nosuch' here" in dap.typed("`mte-tags nosuch")


def test_the_pages_configurations_are_what_is_tested() -> None:
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (launch,) = (json.loads(block) for block in blocks)
    remote, core = launch["configurations"]
    assert remote["type"] == "gdb"
    assert set(remote) >= {"program", "target", "request"}
    assert core["type"] == "lldb-dap"
    assert core["initCommands"][0].startswith("command script import ")
    assert {"coreFile", "program"} <= set(core)
