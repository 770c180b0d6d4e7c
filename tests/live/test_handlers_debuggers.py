"""GDB and LLDB look through signal handlers, live and of cores, as it is done without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mtedbg.lab.vm import Vm
from tests.support import gdb_session, lldb_session
from tests.support.compile import compiled
from tests.support.cores import Case, KernelCore, produce
from tests.support.gdb_session import GDBS, gdb
from tests.support.lldb_session import LLDBS, lldb
from tests.support.offline import comparable, offline

Cores = dict[str, KernelCore]

IDIOMS = {
    "raise": "when its handler returned: SIGSEGV SI_TKILL",
    "abort": "in its handler: SIGABRT SI_TKILL",
    "alt-kill": "when its handler returned: SIGSEGV SI_USER",
    "alt-thread-abort": "in its handler: SIGABRT SI_TKILL",
    "plain-alt-abort": "in its handler: SIGABRT SI_TKILL",
    "plain-trap": "in its handler: SIGTRAP TRAP_BRKPT",
}
AT_A_BREAKPOINT = ("abort", "plain-abort", "alt-abort")
ADDRESS_BITS = (1 << 56) - 1


@pytest.fixture(scope="module")
def cores(lab_vm: Vm, tmp_path_factory: pytest.TempPathFactory) -> Cores:
    folder = tmp_path_factory.mktemp("handlers")
    return {
        idiom: produce(lab_vm, Case("handlers", ("load", idiom)), folder / idiom)
        for idiom in IDIOMS
    }


@pytest.mark.parametrize("idiom", IDIOMS)
def test_a_core_in_a_debugger(cores: Cores, idiom: str) -> None:
    case = cores[idiom]
    ours, _ = offline(case.core, case.program, ["mte-fault", "mte-ctl"])
    assert ours["headline"].endswith(f"memory tag 3; {IDIOMS[idiom]}")
    for flavour in GDBS:
        with gdb(flavour, [case.program, case.core]) as session:
            assert comparable(session.json("mte-fault")) == comparable(ours), flavour
    for flavour in LLDBS:
        with lldb(flavour, [case.program, "--core", case.core]) as other:
            assert comparable(other.json("mte-fault")) == comparable(ours), flavour


def names_the_fault(report: dict[str, Any], text: str) -> None:
    """At a breakpoint in the handler: the fault, and no signal that came after it."""
    said = next(line for line in text.splitlines() if line.startswith("pointer "))
    pointer = int(said.split()[1], 16)
    (row,) = report["rows"]
    assert row["found"] == "handler"
    assert row["later"] is None
    assert row["code_name"] == "SEGV_MTESERR"
    assert int(row["address"], 16) == pointer & ADDRESS_BITS
    assert row["logical_tag"] == 5
    assert row["access"] == "load"
    assert "in the handler of this fault" in "".join(report["notes"])


@pytest.fixture(scope="module")
def program() -> Path:
    return compiled("handlers", "-static")


@pytest.mark.parametrize("idiom", AT_A_BREAKPOINT)
@pytest.mark.parametrize("flavour", GDBS)
def test_at_a_breakpoint_in_a_handler_under_gdb(program: Path, flavour: str, idiom: str) -> None:
    with gdb_session.under_qemu(flavour, program, "load", idiom) as (session, process):
        session.execute("handle SIGSEGV nostop noprint pass")
        session.execute("break report")
        assert session.resume("continue").reason == "breakpoint-hit"
        names_the_fault(session.json("mte-fault"), process.output())


@pytest.mark.parametrize("idiom", AT_A_BREAKPOINT)
@pytest.mark.parametrize("flavour", LLDBS)
def test_at_a_breakpoint_in_a_handler_under_lldb(program: Path, flavour: str, idiom: str) -> None:
    with lldb_session.under_qemu(flavour, program, "load", idiom) as (session, process):
        session.execute("process handle SIGSEGV -s false -p true -n false")
        session.execute("breakpoint set -n report")
        session.execute("continue")
        names_the_fault(session.json("mte-fault"), process.output())
