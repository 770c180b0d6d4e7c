"""A core taken in the middle of fault handling: the dead process answers as the live one did.

GDB writes the cores, through gdbserver in the VM; they are read without the program.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from mtedbg.adapters.core import CoreTarget
from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.lab import gdbserver, paths
from mtedbg.lab.vm import Vm
from mtedbg.session import Session as Asked
from tests.support.gdb_session import Session, gdb

PREFIX = "mtetso_phase_"
PHASES = 10
MIXED = "patch_address_shared"
"""Here the access [2] is written, the tag insert [1] is not: the pair that faults again."""
LINES = ("guest-frame", "jit-blocks", "memop-log -n 1000")


def offline(core: Path, line: str) -> list[dict[str, Any]]:
    """The rows of a command's answer on a core without its program."""
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command is not None
    session = Asked(CoreTarget(core, sysroot="/nonexistent"))
    rows = json.loads(execute(session, command, f"{rest} --json"))["rows"]
    assert isinstance(rows, list)
    return rows


@pytest.fixture
def faulting(lab_vm: Vm) -> Iterator[Session]:
    """The runtime at its first tag check fault in translated code."""
    argv = [str(paths.runtime()), str(paths.guests() / "message.elf")]
    with gdbserver.serve(lab_vm, argv) as port, gdb("gdb18", [paths.runtime()]) as session:
        session.execute(f"target remote 127.0.0.1:{port}")
        session.execute("handle SIGSEGV stop print pass")
        assert session.resume("continue").signal == "SIGSEGV"
        yield session


def phases_of(session: Session) -> dict[int, str]:
    """Phase names by address, by the runtime's symbols: not by its debug root."""
    with paths.runtime().open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        names = [symbol.name for symbol in table.iter_symbols()]
    labels = [name for name in names if name.startswith(PREFIX)]
    assert len(labels) >= PHASES
    return {session.number(f"&{name}"): name.removeprefix(PREFIX) for name in labels}


def test_a_core_of_a_patch_in_flight(faulting: Session, tmp_path: Path) -> None:
    memop = faulting.rows("memop")[0]["id"]
    before = faulting.rows("guest-frame")[0]
    phases = phases_of(faulting)
    for address in phases:
        faulting.execute(f"break *{address:#x}")
    passed = []
    while "resume" not in passed:
        assert faulting.resume("continue").reason == "breakpoint-hit"
        phase = phases[faulting.number("$pc")]
        passed.append(phase)
        (frame,) = faulting.rows("guest-frame")
        for key in ("gregs", "rip", "host_core_id", "r_host_core_id", "frame_address"):
            assert frame[key] == before[key], (phase, key)
        assert frame["in_jit"] is False
        if phase == MIXED:
            assert_dead_as_live(faulting, tmp_path / "core", memop)
    assert passed.index("patch_memop_shared") < passed.index(MIXED)
    assert faulting.rows(f"memop {memop}")[0]["mode_decoded"] == "Shared"


def assert_dead_as_live(session: Session, core: Path, memop: int) -> None:
    """Takes a core: what it answers is what the process answers now."""
    lines = (*LINES, f"memop {memop}")
    session.execute(f"generate-core-file {core}")
    live = {line: session.rows(line) for line in lines}
    assert {line: offline(core, line) for line in lines} == live
    assert live[lines[-1]][0]["mode_decoded"] == "Mixed"
