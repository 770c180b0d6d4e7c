"""Cores that debuggers write of a live process: GDB's gcore and LLDB's save-core, in the VM.

What is in them is known from the program itself, and from the debugger that stopped it.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.dead import open_dead
from mtedbg.analysis.fault.fault import fault
from mtedbg.analysis.postmortem.signature import signature
from mtedbg.lab import debuggers, gdbserver
from mtedbg.lab.vm import Vm
from mtedbg.model.absent import Absent, Reason
from mtedbg.session import Session
from tests.support import lldb_in_vm
from tests.support.compile import compiled
from tests.support.cores import parse_facts
from tests.support.lldb_session import LLDBS, connect, lldb
from tests.support.oracles import gdb, tool

LIMIT_S = 300
SEGV_MTESERR = 9
THREADS = 4
Facts = dict[str, list[int]]


@dataclass(frozen=True)
class Saved:
    """A core, and what the program printed before."""

    core: Path
    facts: Facts


@pytest.fixture(scope="module")
def program() -> Path:
    return compiled("threads", "-static")


@pytest.fixture(scope="module")
def gcores(lab_vm: Vm, program: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Saved]:
    """By GDB 13 in the VM itself, and by GDB 18 through gdbserver."""
    folder = tmp_path_factory.mktemp("gcores")
    return {
        "gdb13": gcore_inside(lab_vm, program, folder),
        "gdb18": gcore_outside(lab_vm, program, folder / "gdb18"),
    }


def gcore_inside(vm: Vm, program: Path, folder: Path) -> Saved:
    lines = ("set startup-with-shell off", "unset environment PYTHONHOME", "run")
    words = [word for line in lines for word in ("-ex", line)]
    quiet = ("-nx", "-q", "-batch", "-iex", "set debuginfod enabled off")
    argv = debuggers.gdb(*quiet, *words, "-ex", "gcore /cores/core.gdb13", str(program))
    done = vm.run(argv, env=debuggers.GDB_ENVIRONMENT, timeout_s=LIMIT_S, cores_to=folder)
    assert b"Saved corefile" in done.stdout, done
    (core,) = done.cores
    known = [line for line in done.stdout.splitlines() if re.fullmatch(rb"\w+( [0-9a-f]+)+", line)]
    return Saved(core, parse_facts(b"\n".join(known)))


def gcore_outside(vm: Vm, program: Path, core: Path) -> Saved:
    with gdbserver.serve(vm, [str(program)]) as port:
        words = [tool("gdb"), "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off"]
        words += [str(program), "-ex", "set sysroot /", "-ex", f"target remote 127.0.0.1:{port}"]
        words += ["-ex", "continue", "-ex", f"gcore {core}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    assert "Saved corefile" in done.stdout
    logical = re.search(r"Logical tag 0x([0-9a-f]+)", done.stdout)
    assert logical
    return Saved(core, {"logical": [int(logical[1], 16)]})


@pytest.mark.parametrize("name", ["gdb13", "gdb18"])
def test_gcore_has_all_that_a_kernels_core_has(
    gcores: dict[str, Saved], program: Path, tmp_path: Path, name: str
) -> None:
    saved = gcores[name]
    target = CoreTarget(saved.core)
    assert target.remarks == ()
    assert target.info().tag_source == "core"
    assert len(target.threads()) == THREADS
    words = [one.tagged_addr_ctrl for one in target.threads()]
    assert sorted(word >> 1 & 3 for word in words if not isinstance(word, Absent)) == [0, 1, 2, 3]
    session = Session(target)
    met = fault(session, session.current_thread())
    assert not isinstance(met.signal, Absent)
    assert not isinstance(met.address, Absent)
    assert not isinstance(met.at.pc, Absent)
    assert (met.signal.code, met.pointer_tag) == (SEGV_MTESERR, 12)
    assert [one.tag for one in met.granules] == [2]
    memory = met.address
    if name == "gdb13":
        assert saved.facts["memory"] == [memory]
        assert {one.tid for one in target.threads()} >= {saved.facts["sync"][0]}
    # GDB says the same of its own file.
    said = gdb(saved.core, program, tmp_path, f"memory-tag print-allocation-tag {memory:#x}")
    assert "= 0x2" in said
    assert str(target.symbol_at(met.at.pc)).startswith("main")


@pytest.fixture(params=LLDBS)
def saved_by_lldb(
    request: pytest.FixtureRequest, lab_vm: Vm, program: Path, tmp_path: Path
) -> tuple[str, Path, Path]:
    """The whole of its memory, and stacks alone."""
    flavour = request.param
    with (
        lldb_in_vm.serve(lab_vm, [str(program)]) as port,
        lldb(flavour, [program], load=False) as session,
    ):
        connect(session, f"connect://127.0.0.1:{port}")
        assert "stop reason = signal SIGSEGV" in session.execute("continue")
        for style in ("full", "stack"):
            save = f"process save-core --plugin-name=minidump -s {style} {tmp_path / style}"
            session.execute(save)
        said = session.execute("register read pc x19 x30 sp cpsr")
    (tmp_path / "said").write_text(said)
    return flavour, tmp_path / "full", tmp_path / "stack"


def test_save_core(saved_by_lldb: tuple[str, Path, Path], tmp_path: Path) -> None:
    flavour, full, stack = saved_by_lldb
    named = re.findall(r"(\w+) = (0x[0-9a-f]+)", (tmp_path / "said").read_text())
    said = {name: int(value, 16) for name, value in named}
    for core in (full, stack):
        target = open_dead(str(core))
        assert target.remarks == ()
        assert target.info().tag_source == "none"
        assert len(target.threads()) == THREADS
        first = target.threads()[0]
        registers = target.registers(first)
        assert not isinstance(registers, Absent)
        names = {"cpsr": "pstate", "lr": "x30"}
        assert {names.get(name, name): value for name, value in said.items()}.items() <= (
            registers.items()
        )
        signal = target.signal(first)
        assert not isinstance(signal, Absent)
        assert signal.number == 11
        pointer = said["x19"]
        if flavour == "lldb23":
            assert (signal.code, signal.address) == (SEGV_MTESERR, pointer)
        else:  # LLDB 19 writes the signal's number, and nothing else of it
            assert isinstance(signal.code, Absent)
        start = pointer & ((1 << 56) - 16)
        (piece,) = target.read_tags(start, start + 16)
        assert isinstance(piece.tags, Absent)
        assert piece.tags.reason is (Reason.NOT_RECORDED if core == full else Reason.NOT_DUMPED)
        assert str(target.symbol_at(registers["pc"])).startswith("main")
        there = target.read_memory(registers["sp"], 16)
        assert not isinstance(there, Absent)
    whole = open_dead(str(full)).read_memory(start, 16)
    assert whole == bytes(16)  # a page of the program's own, never written to


def test_a_signature_is_that_of_every_run(
    lab_vm: Vm, tmp_path: Path, gcores: dict[str, Saved]
) -> None:
    """Addresses are chosen anew for each process, tags as well."""
    for name in ("sync_fault", "async_fault", "abort"):
        cores = []
        for turn in range(2):
            folder = tmp_path / f"{name}-{turn}"
            folder.mkdir()
            cores += lab_vm.run([str(compiled(name))], cores_to=folder, timeout_s=60).cores
        sessions = [Session(open_dead(str(core), files=False)) for core in cores]
        places = [one.target.registers(one.current_thread()) for one in sessions]
        assert places[0] != places[1]
        (first, _), (second, _) = (signature(session) for session in sessions)
        assert first == second
        if name == "async_fault":  # where it was noticed is not where it was
            assert first.place == name
        else:
            assert re.fullmatch(rf"{name}\+0x[0-9a-f]+", first.place)
    made = [signature(Session(open_dead(str(one.core), files=False)))[0] for one in gcores.values()]
    assert made[0] == made[1]
