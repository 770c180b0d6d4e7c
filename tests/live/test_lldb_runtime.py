"""The bundled runtime in real LLDBs under QEMU's user mode: faults, and what their handler did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mtedbg.lab import paths, user
from tests.live.test_gdb_runtime import MINE, OTHERS, SCHEDULE, SHARED, SHOULD
from tests.support.lldb_session import LLDBS, Session, connect, lldb

FAULTS = 6


@pytest.fixture(params=LLDBS)
def guest(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A guest program in the runtime, at its first fault."""
    options = ("--cores", "2", "--schedule", SCHEDULE)
    argv = [paths.runtime(), *options, paths.guests() / "message.elf", "1"]
    with user.start(argv) as process, lldb(request.param, [argv[0]]) as session:
        connect(session, f"unix-connect://{process.socket}")
        assert session.error("memop $pc").startswith("no runtime with a debug root")
        assert "stop reason = signal SIGSEGV" in session.execute("continue")
        yield session


def row(session: Session, command: str) -> dict[str, Any]:
    """The only row of a command's report."""
    (found,) = session.rows(command)
    return found


def tag(session: Session, address: int) -> int:
    """The allocation tag at `address`, by a packet that LLDB prints."""
    printed = session.execute(f"process plugin packet send qMemTags:{address:x},1:1")
    match = re.search(r"response: m0([0-9a-f])", printed)
    assert match, printed
    return int(match[1], 16)


def resume_address(session: Session) -> int:
    """Where the handler's last phase is, by the debug root."""
    session.execute("script from tests.support.phases import phase_addresses")
    session.execute("script from mtedbg.adapters.lldb.sessions import current")
    runtime = "current(lldb.debugger, lldb.SBExecutionContext()).runtimes[0]"
    (address,) = session.python(f"phase_addresses({runtime})")["Resume"]
    assert isinstance(address, int)
    return address


def test_faults_end_as_the_table_says(guest: Session) -> None:
    seen = set()
    guest.execute(f"breakpoint set --address {resume_address(guest):#x}")
    for _ in range(FAULTS):
        seen.add(one_fault(guest))
        assert "stop reason = signal SIGSEGV" in guest.execute("continue")
    assert {("Local", SHARED), ("Local", OTHERS)} <= seen


def one_fault(guest: Session) -> tuple[str, str]:
    """From the stop on a fault to the end of its handler; returns the row of the table."""
    fault, before = row(guest, "mte-fault"), row(guest, "memop $pc")
    frame, block = row(guest, "guest-frame"), row(guest, "jit-block $pc")
    assert frame["consistent"] is True
    assert before["consistent"] is True
    assert fault["memop"] == before["id"] == block["memop"]
    address = int(fault["address"], 16)
    found = tag(guest, address)
    assert fault["allocation_tags"][0]["tag"] == found != fault["logical_tag"]
    whose = {0: SHARED, frame["r_host_core_id"]: MINE}.get(found, OTHERS)
    mode, becomes_shared = SHOULD[before["mode"], whose]
    assert "stop reason = breakpoint" in guest.execute("continue")
    after = row(guest, f"memop {before['id']}")
    assert (after["mode"], after["mode_decoded"], after["consistent"]) == (mode, mode, True)
    assert tag(guest, address) == (0 if becomes_shared else frame["r_host_core_id"])
    return before["mode"], whose


def test_outside_of_translated_code(guest: Session) -> None:
    assert row(guest, "jit-block main")["outcome"] == "not-jit"
    assert guest.rows("memop main") == []
    kinds = {block["kind"] for block in guest.rows("jit-blocks")}
    assert {"SharedStubs", "BaselineTier"} <= kinds


def test_vector_registers_are_those_that_lldb_reads(guest: Session) -> None:
    """In translated code, and by LLDB's own words for the register of xmm0."""
    vectors = row(guest, "guest-frame")["vectors"]
    assert list(vectors) == [*(f"xmm{number}" for number in range(16)), "mxcsr"]
    assert int(vectors["mxcsr"], 16) == 0x1F80
    guest.execute("register write v0 '{1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0x80}'")
    assert int(row(guest, "guest-frame")["vectors"]["xmm0"], 16) == 0x80 << 120 | 2 << 64 | 1
