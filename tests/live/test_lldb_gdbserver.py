"""The commands in real LLDBs, on a program in the VM behind gdbserver.

gdbserver dies of a tag packet that touches untagged memory, and takes the program along: what was
sent is read from LLDB's own log of its packets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.lab import gdbserver
from mtedbg.lab.vm import Vm
from tests.live.test_gdb_gdbserver import COMMANDS
from tests.support.compile import compiled
from tests.support.lldb_session import LLDBS, Session, connect, lldb

PAGE, GRANULE = 4096, 16
ADDRESS_BITS = (1 << 56) - 1
PACKET = re.compile(r"send packet: \$qMemTags:([0-9a-f]+),([0-9a-f]+):1#")


@pytest.fixture(params=LLDBS)
def stopped(request: pytest.FixtureRequest, lab_vm: Vm, tmp_path: Path) -> Iterator[Session]:
    """At the checkpoint; the log has what was sent from then on."""
    program = compiled("gdb_target", "-static")
    with gdbserver.serve(lab_vm, [str(program)]) as port, lldb(request.param, [program]) as session:
        connect(session, f"connect://127.0.0.1:{port}")
        session.execute("breakpoint set --name checkpoint")
        assert "stop reason = breakpoint" in session.execute("continue")
        session.execute(f"log enable --file {tmp_path / 'packets'} gdb-remote packets")
        yield session


def packets(folder: Path) -> list[tuple[int, int]]:
    """Start and end of every stretch whose tags were asked for."""
    found = PACKET.findall((folder / "packets").read_text(errors="replace"))
    return [(int(start, 16), int(start, 16) + int(length, 16)) for start, length in found]


def test_no_packet_touches_memory_without_tags(stopped: Session, tmp_path: Path) -> None:
    memory = stopped.python("lldb.target.FindFirstGlobalVariable('memory').GetValueAsUnsigned()")
    pages = {memory + number * PAGE for number in (0, 2, 3, 4)}
    for command in (*COMMANDS, "mte-set memory+16 32 5"):
        stopped.execute(command)
        # It is alive, and the connection is in step.
        alive = stopped.execute("process plugin packet send qC")
        assert "response: QC" in alive, command
    asked = packets(tmp_path)
    assert (memory + 2 * PAGE, memory + 4 * PAGE) in asked
    for start, end in asked:
        assert start < end
        assert set(range(start - start % PAGE, end, PAGE)) <= pages
    rows = stopped.rows("mte-tags memory 64 --granules")
    assert [row["tag"] for row in rows] == [0, 5, 5, 5]


def test_regions_and_the_fault(stopped: Session) -> None:
    memory, pointer = (
        stopped.python(f"lldb.target.FindFirstGlobalVariable('{name}').GetValueAsUnsigned()")
        for name in ("memory", "wrong")
    )
    spans = [(int(row["start"], 16), int(row["end"], 16)) for row in stopped.rows("mte-regions")]
    assert spans == [
        (memory, memory + PAGE),
        (memory + 2 * PAGE, memory + 4 * PAGE),
        (memory + 4 * PAGE, memory + 5 * PAGE),
    ]
    (control,) = stopped.rows("mte-ctl")
    assert (control["tagged_addr"], control["tcf"]) == (True, "sync")
    assert "stop reason = signal SIGSEGV" in stopped.execute("continue")
    report = stopped.json("mte-fault")
    assert report["target"]["kind"] == "remote"
    assert report["target"]["tag_source"] == "qMemTags"
    assert report["partial"] is False
    (row,) = report["rows"]
    assert row["code_name"] == "SEGV_MTESERR"
    assert int(row["fault_address_raw"], 16) == pointer
    assert int(row["address"], 16) == pointer & ADDRESS_BITS
    assert row["logical_tag"] == pointer >> 56
    assert [granule["tag"] for granule in row["allocation_tags"]] == [pointer >> 56 ^ 1]
    assert row["base_register"]["name"] == "x0"


@pytest.mark.parametrize("flavour", LLDBS)
def test_each_thread_has_its_own_answer(lab_vm: Vm, flavour: str) -> None:
    threads = compiled("threads", "-static")
    with gdbserver.serve(lab_vm, [str(threads)]) as port, lldb(flavour, [threads]) as session:
        connect(session, f"connect://127.0.0.1:{port}")
        assert "stop reason = signal SIGSEGV" in session.execute("continue")
        rows = session.rows("mte-fault --all-threads")
        assert len(rows) == 4
        (faulted,) = [row for row in rows if row["code_name"] == "SEGV_MTESERR"]
        assert faulted["logical_tag"] == 12
        assert {row["tcf"] for row in session.rows("mte-ctl")} >= {"none", "sync", "async"}
        # Looking at others leaves the user where they were.
        session.execute("thread select 2")
        session.execute("up")
        before = session.execute("frame info")
        session.execute("mte-fault --all-threads")
        assert session.execute("frame info") == before
