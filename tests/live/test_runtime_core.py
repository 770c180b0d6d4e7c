"""Kernel cores of the bundled runtime: with its program, without, stripped: the same answers.

What is asked of the core is known from elsewhere: the guest's own symbols, the registers in the
core's notes, GDB's reading of the tags.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from mtedbg.adapters.core import CoreTarget
from mtedbg.commands import find
from mtedbg.commands._line import execute
from mtedbg.lab import paths
from mtedbg.lab.vm import Vm
from mtedbg.session import Session

LINES = [
    *("guest-frame", "guest-frame --all-threads", "memop", "memop 7", "memop-log -n 1000"),
    *("jit-block $pc", "jit-blocks", "jit-blocks --function main", "jit-segments", "jit-audit"),
    *("jit-disas $pc", "jit-disas 2", "memops", "memop-verify", "guest-bt", "mte-ctl"),
]
NT_PRSTATUS, PRSTATUS_REGISTERS = 1, 112
BFI, PLAIN_STORE = 0xB3480F70, 0x39000000


@dataclass(frozen=True)
class Case:
    """How the runtime is made to die: a guest, the runtime's options."""

    guest: str
    options: tuple[str, ...] = ()

    @property
    def in_jit(self) -> bool:
        """Whether it dies in translated code, not in a thunk of the runtime."""
        return "--no-handler" in self.options


SHARED_DATA = ("--data-start", "shared")
"""The first access to it faults."""

CASES = {
    "thunk": Case("crash", SHARED_DATA),
    "lockstep": Case("message", (*SHARED_DATA, "--no-handler")),
    "threads": Case(
        "message",
        (*SHARED_DATA, "--no-handler", "--threads", "threads", "--shared-tag", "15"),
    ),
}


@dataclass(frozen=True)
class Dead:
    """A core, and the program that it is of, kept from being built anew."""

    case: Case
    core: Path
    program: Path

    def session(self, executable: str = "absent") -> Session:
        """A session on it, with its program, "stripped", or "absent"."""
        if executable == "absent":
            return Session(CoreTarget(self.core, sysroot="/nonexistent"))
        program = self.program
        if executable == "stripped":
            program = self.core.with_name("stripped")
            subprocess.run(
                ["aarch64-linux-gnu-strip", "-o", str(program), str(self.program)], check=True
            )
        return Session(CoreTarget(self.core, str(program)))


@pytest.fixture(scope="session")
def runtime_cores(lab_vm: Vm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dead]:
    """A kernel core of every case, by name."""
    cores = {}
    for name, case in CASES.items():
        folder = tmp_path_factory.mktemp(f"runtime-{name}")
        program = folder / "mtetso"
        shutil.copy(paths.runtime(), program)
        guest = paths.guests() / f"{case.guest}.elf"
        argv = [str(paths.runtime()), *case.options, str(guest)]
        result = lab_vm.run(argv, cores_to=folder, timeout_s=60)
        assert len(result.cores) == 1, result
        cores[name] = Dead(case, result.cores[0], program)
    return cores


@pytest.fixture(params=CASES)
def dead(request: pytest.FixtureRequest, runtime_cores: dict[str, Dead]) -> Dead:
    return runtime_cores[request.param]


def ask(session: Session, line: str) -> dict[str, Any]:
    name, _, rest = line.partition(" ")
    command = find(name)
    assert command is not None
    answer = json.loads(execute(session, command, f"{rest} --json"))
    assert isinstance(answer, dict)
    return answer


def row(session: Session, line: str) -> dict[str, Any]:
    (only,) = ask(session, line)["rows"]
    assert isinstance(only, dict)
    return only


def registers_of(core: Path) -> tuple[int, ...]:
    """x0 to x30, sp, pc and pstate of the first thread, from its NT_PRSTATUS."""
    with core.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_NOTE"):
            for note in segment.iter_notes():
                if note["n_type"] in (NT_PRSTATUS, "NT_PRSTATUS"):
                    data = note["n_descdata"]
                    return struct.unpack_from("<34Q", data, PRSTATUS_REGISTERS)
    raise AssertionError("no NT_PRSTATUS")


def guest_function_at(guest: str, address: int) -> str:
    """The guest's own symbol that holds `address`."""
    with (paths.guests() / f"{guest}.elf").open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        for symbol in table.iter_symbols():
            start = symbol["st_value"]
            is_code = symbol["st_info"]["type"] == "STT_FUNC"
            if is_code and start <= address < start + symbol["st_size"]:
                return str(symbol.name)
    raise AssertionError(f"no function of {guest} is at {address:#x}")


@pytest.mark.parametrize("executable", ["present", "stripped"])
def test_the_program_makes_no_difference(dead: Dead, executable: str) -> None:
    without, with_it = dead.session("absent"), dead.session(executable)
    for line in LINES:
        expected, found = ask(without, line), ask(with_it, line)
        for answer in (expected, found):
            del answer["target"]
        assert found == expected, line
        assert not expected["partial"], line


def test_the_guests_registers_are_the_hosts_in_translated_code(dead: Dead) -> None:
    frame, host = row(dead.session(), "guest-frame"), registers_of(dead.core)
    assert frame["in_jit"] is dead.case.in_jit
    if dead.case.in_jit:
        values = [int(value, 16) for value in frame["gregs"].values()]
        assert values[:16] == list(host[:16])
        assert values[16] == host[33] & 0xF << 28
        assert frame["r_host_core_id"] == host[27]
        assert int(frame["frame_address"], 16) == host[28]
    assert frame["host_core_id"] == {"thunk": 2, "lockstep": 1, "threads": 0}[name_of(dead)]
    assert frame["consistent"] is True


def name_of(dead: Dead) -> str:
    return next(name for name, case in CASES.items() if case == dead.case)


def test_the_memop_is_the_guests_own_access(dead: Dead) -> None:
    session, host = dead.session(), registers_of(dead.core)
    if not dead.case.in_jit:
        assert ask(session, "memop")["rows"] == []
        assert row(session, "jit-block $pc")["outcome"] == "not-jit"
        return
    memop, block = row(session, "memop"), row(session, "jit-block $pc")
    rip = int(memop["guest_rip"], 16)
    assert int(memop["address"], 16) == host[32]
    assert (memop["mode"], memop["mode_decoded"], memop["consistent"]) == ("Local", "Local", True)
    insert, access = (int(one["word"], 16) for one in memop["instructions"])
    assert insert == BFI
    assert access & 0x3FFFFC00 == PLAIN_STORE
    assert 1 << (access >> 30) == memop["size"]
    assert (block["outcome"], block["memop"]) == ("range", memop["id"])
    assert block["function"] == guest_function_at(dead.case.guest, rip)
    assert row(session, "guest-frame")["rip"] == memop["guest_rip"]


def test_the_fault_is_explained(dead: Dead) -> None:
    fault = row(dead.session(), "mte-fault")
    shared = 15 if "15" in dead.case.options else 0
    assert fault["code_name"] == "SEGV_MTESERR"
    if dead.case.in_jit:
        assert [one["tag"] for one in fault["allocation_tags"]] == [shared]
        assert fault["transition"] == "local → shared: patch memop to shared"
    else:
        # A host function that used a guest pointer without the runtime's rule.
        assert [one["tag"] for one in fault["allocation_tags"]] == [2]
        assert fault["logical_tag"] == 0
        assert fault["transition"].startswith("none: the PC is in no memop")


def test_the_blocks_are_where_the_code_is(dead: Dead) -> None:
    session = dead.session()
    blocks = ask(session, "jit-blocks")["rows"]
    # The stubs of the process and the program's thunks; its code.
    kinds = sorted(one["kind"] for one in blocks)
    assert kinds == ["BaselineTier", "SharedStubs", "SharedStubs"]
    for one in blocks:
        base, size = int(one["base"], 16), one["size"]
        assert row(session, f"jit-block {base:#x}")["block"]["id"] == one["id"]
        assert row(session, f"jit-block {base + size - 4:#x}")["block"]["id"] == one["id"]
    end = max(int(one["base"], 16) + one["size"] for one in blocks)
    assert row(session, f"jit-block {end:#x}")["outcome"] == "segment-padding"


def test_the_log_tells_what_led_there(runtime_cores: dict[str, Dead]) -> None:
    rows = ask(runtime_cores["thunk"].session(), "memop-log -n 1000")["rows"]
    events = [one["event"] for one in rows]
    assert events[:3] == ["TierCommit"] * 3
    assert events.count("ThreadStart") == 2
    patches = [one for one in rows if one["event"] == "Patch"]
    assert patches
    for patch in patches:
        assert (patch["old"], patch["new"]) == ("Local", "Shared")
        memop = row(runtime_cores["thunk"].session(), f"memop {patch['memop']}")
        assert (memop["mode_decoded"], memop["flips"]) == ("Shared", 1)
        assert memop["address"] == patch["address"]
        assert [one["before"] is None for one in memop["instructions"]] == [False, False]
