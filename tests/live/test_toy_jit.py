"""A JIT with a debug root and nothing that it does not need: no memops, threads, segments, handler.

Its three functions call each other, with frame records and without; live in GDB and LLDB, and dead.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.analysis.code.adoption import Verdict
from mtedbg.analysis.stacks.host_calls import HostCalls, host_calls
from mtedbg.cli import main
from mtedbg.lab.vm import Vm
from mtedbg.session import Session
from tests.support import gdb_session, lldb_session
from tests.support.answer import answer
from tests.support.backtrace import known_frames
from tests.support.compile import INCLUDE, PROGRAMS, compiled
from tests.support.cores import parse_facts

FLAGS = (f"-I{INCLUDE}",)
STRIPPED = (*FLAGS, "-s")
OUTER, INNER, LEAF = (step * 64 for step in range(3))
FAULT = LEAF + 4
CALLED = 12
"""Bytes into a function: the return address of its call."""
NAMES = ["leaf", "inner", "outer"]


def served(session: Any, code: int, *, blocks: int = 3) -> None:
    """What it told is told, and nothing else is missed."""
    (row,) = answer(session, "jit-block $pc")["rows"]
    assert (row["outcome"], row["source"], row["function"]) == ("range", "debug root", "leaf")
    assert row["line"] == "/src/toy.lang:8"
    for at, name in ((OUTER + CALLED - 1, "outer"), (INNER + CALLED - 1, "inner")):
        (row,) = answer(session, f"jit-block {code + at:#x}")["rows"]
        assert (row["function"], row["line"]) == (name, None)
    found = answer(session, "jit-blocks")
    assert len(found["rows"]) == blocks
    assert [row["base"] for row in found["rows"][:3]] == [hex(code + at) for at in (0, 64, 128)]
    disassembly = answer(session, "jit-disas 3")
    assert [row["bytes"] for row in disassembly["rows"]] == ["d503201f", "f9400000", "d65f03c0"]
    found = answer(session, "jit-audit")
    assert (found["rows"], found["partial"]) == ([], False), found


def faulted(session: Any) -> None:
    """The fault is one of tags, and no handler is invented."""
    (fault,) = answer(session, "mte-fault")["rows"]
    assert fault["logical_tag"] == 3
    assert [granule["tag"] for granule in fault["allocation_tags"]] == [0]
    assert (fault["memop"], fault["transition"]) == (None, None)


def core_of(vm: Vm, folder: Path, program: Path, *arguments: str, tagged: bool = False) -> Any:
    environment = {"PATH": "/usr/bin"}
    if tagged:
        environment["GLIBC_TUNABLES"] = "glibc.mem.tagging=3"
    result = vm.run([str(program), *arguments], env=environment, cores_to=folder)
    (code,) = parse_facts(result.stdout)["code"]
    return result.cores[0], code


def walked(session: Session) -> list[str]:
    """The functions of the innermost frames, as the post-mortem has them."""
    calls = host_calls(session, session.current_thread())
    assert isinstance(calls, HostCalls), calls
    return [str(frame.place).partition(" ")[0] for frame in calls.frames[:4]]


def backtrace(flavour: str, shown: str) -> None:
    """The debugger's own. LLDB asks nobody for frames: that of a leaf's caller it does not see."""
    names = [*NAMES, "main"] if flavour.startswith("gdb") else ["leaf", "outer"]
    assert known_frames(flavour, shown, [*NAMES, "main"]) == names, shown


@pytest.mark.parametrize("flags", [FLAGS, STRIPPED], ids=["symbols", "stripped"])
def test_dead(lab_vm: Vm, tmp_path: Path, flags: tuple[str, ...]) -> None:
    program = compiled("toy_jit", *flags)
    core, code = core_of(lab_vm, tmp_path, program)
    for session in (
        Session(CoreTarget(core, str(program))),
        Session(CoreTarget(core, sysroot="/nonexistent")),
    ):
        served(session, code)
        faulted(session)
        assert walked(session)[:3] == NAMES


def test_dead_with_all_of_it_on_a_tagged_heap(lab_vm: Vm, tmp_path: Path) -> None:
    core, code = core_of(lab_vm, tmp_path, compiled("toy_jit", *FLAGS), "heap", tagged=True)
    session = Session(CoreTarget(core, sysroot="/nonexistent"))
    runtimes = session.runtimes
    assert isinstance(runtimes, tuple)
    assert runtimes[0].name == "toy"
    served(session, code)


def test_dead_with_many_blocks(lab_vm: Vm, tmp_path: Path) -> None:
    core, code = core_of(lab_vm, tmp_path, compiled("toy_jit", *FLAGS), "many", "5000")
    served(Session(CoreTarget(core, sysroot="/nonexistent")), code, blocks=5003)


@pytest.mark.parametrize("flavour", ["gdb18", "gdb13", "lldb23"])
def test_alive(flavour: str) -> None:
    module = lldb_session if flavour in lldb_session.LLDBS else gdb_session
    with module.under_qemu(flavour, compiled("toy_jit", *FLAGS)) as (session, process):
        session.execute("continue")
        (code,) = parse_facts(process.output().encode())["code"]
        assert session.number("$pc") == code + FAULT
        served(session, code)
        if flavour not in lldb_session.LLDBS:  # which does not get the signal's address here
            faulted(session)
        backtrace(flavour, session.execute("bt"))


@pytest.mark.parametrize("flavour", ["gdb18", "lldb23"])
def test_a_core_in_a_debugger(lab_vm: Vm, tmp_path: Path, flavour: str) -> None:
    program = compiled("toy_jit", *FLAGS)
    core, _ = core_of(lab_vm, tmp_path, program)
    module = lldb_session.lldb if flavour in lldb_session.LLDBS else gdb_session.gdb
    with module(flavour, [program, "-c", core]) as session:
        backtrace(flavour, session.execute("bt"))


def test_a_stripped_program_in_gdb(lab_vm: Vm, tmp_path: Path) -> None:
    """No symbol leads to its root; a first command of ours finds it."""
    program = compiled("toy_jit", *STRIPPED)
    core, _ = core_of(lab_vm, tmp_path, program)
    with gdb_session.gdb("gdb18", [program, "-c", core]) as session:
        session.json("jit-blocks")
        shown = session.execute("bt")
        assert known_frames("gdb18", shown, NAMES) == NAMES, shown


def test_a_stripped_program_in_lldb(lab_vm: Vm, tmp_path: Path) -> None:
    """Its root is searched for when a frame is printed that is in no module."""
    program = compiled("toy_jit", *STRIPPED)
    core, _ = core_of(lab_vm, tmp_path, program)
    with lldb_session.lldb("lldb23", [program, "-c", core]) as session:
        backtrace("lldb23", session.execute("bt"))


def advice(capsys: pytest.CaptureFixture[str], target: str, status: int) -> list[dict[str, Any]]:
    """What `mtedbg adopt-check` says is to be mended."""
    rows = checked(capsys, target, status)
    return [row for row in rows if row["verdict"] != Verdict.OPTIONAL]


def checked(capsys: pytest.CaptureFixture[str], target: str, status: int) -> list[dict[str, Any]]:
    """What `mtedbg adopt-check` says."""
    assert main(["adopt-check", target, "--json"]) == status
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert isinstance(rows, list)
    return rows


def test_nothing_is_to_be_mended(
    lab_vm: Vm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core, _ = core_of(lab_vm, tmp_path, compiled("toy_jit", *FLAGS))
    rows = checked(capsys, str(core), 0)
    assert {row["verdict"] for row in rows} == {"optional"}
    said = "\n".join(row["what"] for row in rows)
    assert "2 of 3 functions have no lines" in said
    assert all(word in said for word in ("inlines", "patches", "owner", "moved", "retired"))


def test_what_a_running_process_has_to_mend(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Of this machine's own kind: the same JIT, with its blocks here and there."""
    program = tmp_path / "toy_jit"
    subprocess.run(["cc", *FLAGS, "-DWAITS", PROGRAMS / "toy_jit.c", "-o", program], check=True)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([program, "many", "3000"], **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline().startswith(b"code ")
        rows = advice(capsys, str(process.pid), 1)
        process.stdin.close()
    (row,) = rows
    assert (row["verdict"], row["root"]) == ("slow", "toy")
    assert "of 12 chunks" in row["what"]


def test_no_process(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adopt-check", str(1 << 30)]) != 0
    assert "process" in capsys.readouterr().err
