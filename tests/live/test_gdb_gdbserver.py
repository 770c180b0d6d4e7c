"""The commands in real GDBs, on a program in the VM behind gdbserver.

gdbserver dies of a tag packet that touches untagged memory, and takes the program along: what was
sent is read from GDB's own log of its packets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.lab import gdbserver
from mtedbg.lab.vm import Vm
from mtedbg.shell.gdbmi import DebuggerError
from tests.support.compile import compiled
from tests.support.gdb_session import GDBS, Session, gdb

PAGE, GRANULE = 4096, 16
ADDRESS_BITS = (1 << 56) - 1
PACKET = re.compile(r"Sending packet: \$qMemTags:([0-9a-f]+),([0-9a-f]+):1#")

# Among them every way to come near what is not tagged, not mapped, or no address at all.
COMMANDS = (
    "mte-tags memory",
    "mte-tags wrong",
    "mte-tags memory 5*4096 --runs",
    "mte-tags memory-16*4096 32*4096 --runs",
    "mte-tags memory+4096-8 16",
    "mte-tags 0 1",
    "mte-tags 0 0x1000000000000-1 --runs",
    "mte-tags 0xffffffffffffffff 1",
    "mte-tags &memory",
    "mte-tags $sp",
    "mte-check wrong",
    "mte-check memory+4096",
    "mte-regions --all",
)


@pytest.fixture(scope="module")
def program() -> Path:
    return compiled("gdb_target", "-static")


@pytest.fixture(params=GDBS)
def stopped(
    request: pytest.FixtureRequest, lab_vm: Vm, program: Path, tmp_path: Path
) -> Iterator[Session]:
    """At the checkpoint; `packets` reads what was sent from then on."""
    with gdbserver.serve(lab_vm, [str(program)]) as port, gdb(request.param, [program]) as session:
        session.execute(f"target remote 127.0.0.1:{port}")
        session.execute("handle SIGSEGV stop print pass")
        session.execute("break checkpoint")
        assert session.resume("continue").reason == "breakpoint-hit"
        session.execute(f"set logging file {tmp_path / 'packets'}")
        session.execute("set logging debugredirect on")
        session.execute("set logging enabled on")
        session.execute("set debug remote 1")
        yield session


def packets(folder: Path) -> list[tuple[int, int]]:
    """Start and end of every stretch whose tags were asked for."""
    found = PACKET.findall((folder / "packets").read_text(errors="replace"))
    return [(int(start, 16), int(start, 16) + int(length, 16)) for start, length in found]


def tagged_pages(session: Session) -> set[int]:
    """The pages that are tagged, by what the program did to get them."""
    memory = session.number("memory")
    return {memory + number * PAGE for number in (0, 2, 3, 4)}


def test_no_packet_touches_memory_without_tags(stopped: Session, tmp_path: Path) -> None:
    pages = tagged_pages(stopped)
    here = stopped.number("$pc")
    for command in COMMANDS:
        stopped.execute(command)
        # It is alive, and the connection is in step.
        stopped.execute("maintenance flush register-cache")
        assert stopped.number("$pc") == here, command
    asked = packets(tmp_path)
    assert asked
    for start, end in asked:
        assert start < end
        assert set(range(start - start % PAGE, end, PAGE)) <= pages


def test_a_mapping_is_read_by_ranges(stopped: Session, tmp_path: Path) -> None:
    memory = stopped.number("memory")
    stopped.execute("mte-tags memory 5*4096 --runs")
    assert (memory + 2 * PAGE, memory + 4 * PAGE) in packets(tmp_path)


def test_tags_are_those_that_gdb_reads(stopped: Session) -> None:
    memory = stopped.number("memory")
    rows = stopped.rows("mte-tags memory 5*4096 --granules")
    found = {int(row["start"], 16): row["tag"] for row in rows}
    for number in (0, 1, 5, 19, 255, 512, 516, 640, 767, 900, 1023):
        address = memory + number * GRANULE
        shown = stopped.execute(f"memory-tag print-allocation-tag {address:#x}")
        assert f"{found[address]:#x}" == shown.split()[-1]
    assert {found[memory + PAGE + n * GRANULE] for n in range(256)} == {None}
    assert {found[memory + 4 * PAGE + n * GRANULE] for n in range(256)} == {0}


def test_regions(stopped: Session) -> None:
    memory = stopped.number("memory")
    spans = [(int(row["start"], 16), int(row["end"], 16)) for row in stopped.rows("mte-regions")]
    assert spans == [
        (memory, memory + PAGE),
        (memory + 2 * PAGE, memory + 4 * PAGE),
        (memory + 4 * PAGE, memory + 5 * PAGE),
    ]


def test_tags_are_written_and_nothing_beside_them(stopped: Session) -> None:
    """And never to memory without tags: gdbserver would not survive it."""
    memory = stopped.number("memory")
    here = stopped.number("$pc")
    stopped.execute("mte-set memory+2*4096+16 2*4096-32 9")
    for offset, same in ((0, False), (1, True), (256, True), (510, True), (511, False)):
        address = memory + 2 * PAGE + offset * GRANULE
        shown = stopped.execute(f"memory-tag print-allocation-tag {address:#x}")
        assert (shown.split()[-1] == "0x9") is same
    for line in ("mte-set memory 2*4096 3", "mte-set &memory 8 3", "mte-set 0 16 3"):
        with pytest.raises(DebuggerError, match="nothing was written"):
            stopped.execute(line)
    stopped.execute("maintenance flush register-cache")
    assert stopped.number("$pc") == here
    (control,) = stopped.rows("mte-ctl")
    assert (control["tagged_addr"], control["tcf"]) == (True, "sync")
    (row,) = stopped.rows("mte-find 9 memory+2*4096 4096")
    assert int(row["start"], 16) == memory + 2 * PAGE + GRANULE


@pytest.mark.parametrize("flavour", GDBS)
def test_each_thread_has_its_own_answer(lab_vm: Vm, flavour: str) -> None:
    threads = compiled("threads", "-static")
    with gdbserver.serve(lab_vm, [str(threads)]) as port, gdb(flavour, [threads]) as session:
        session.execute(f"target remote 127.0.0.1:{port}")
        assert session.resume("continue").signal == "SIGSEGV"
        rows = session.rows("mte-fault --all-threads")
        assert [row["code_name"] for row in rows].count("SEGV_MTESERR") == 1
        assert len(rows) == 4
        (faulted,) = [row for row in rows if row["code_name"] == "SEGV_MTESERR"]
        assert faulted["logical_tag"] == 12
        # Looking at others leaves the user where they were.
        session.execute("thread 2")
        session.execute("up")
        before = session.execute("frame")
        session.execute("mte-fault --all-threads")
        assert session.execute("frame") == before
