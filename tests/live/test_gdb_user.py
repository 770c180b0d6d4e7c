"""The commands in real GDBs, on a program under QEMU's user mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.lab.user import UserProgram
from mtedbg.shell.gdbmi import DebuggerError
from tests.support.compile import compiled
from tests.support.cores import parse_facts
from tests.support.gdb_session import GDBS, Session, gdb, under_qemu

PAGE, GRANULE = 4096, 16
ADDRESS_BITS = (1 << 56) - 1


@pytest.fixture(scope="module")
def program() -> Path:
    return compiled("gdb_target", "-static")


@pytest.fixture(params=GDBS)
def stopped(request: pytest.FixtureRequest, program: Path) -> Iterator[tuple[Session, UserProgram]]:
    """At the checkpoint: tags are set, the fault is yet to come."""
    with under_qemu(request.param, program) as (session, process):
        session.execute("break checkpoint")
        assert session.resume("continue").reason == "breakpoint-hit"
        yield session, process


def facts(process: UserProgram) -> dict[str, list[int]]:
    return parse_facts(process.output().encode())


def granules(rows: list[dict[str, object]]) -> dict[int, object]:
    return {int(str(row["start"]), 16): row["tag"] for row in rows}


def test_tags_are_those_the_program_reads_itself(stopped: tuple[Session, UserProgram]) -> None:
    session, process = stopped
    said = facts(process)
    memory = said["memory"][0]
    found = granules(session.rows("mte-tags memory 5*4096 --granules"))
    for name, page in (("first", 0), ("third", 2)):
        start = memory + page * PAGE
        mine = [found[start + n * GRANULE] for n in range(PAGE // GRANULE)]
        assert mine == said[name]
    assert {found.get(memory + PAGE + n * GRANULE) for n in range(256)} == {None}
    assert {found[memory + 3 * PAGE + n * GRANULE] for n in range(256)} == {0}
    assert found[memory + 4 * PAGE] is None


def test_the_map_marks_the_pointer(stopped: tuple[Session, UserProgram]) -> None:
    session, process = stopped
    memory = facts(process)["memory"][0]
    lines = session.execute("mte-tags wrong").splitlines()
    assert lines[0].endswith("memory tag 6, pointer tag 7: mismatch")
    (marked,) = [line for line in lines if line.startswith("=>")]
    assert marked.split()[1] == f"{memory + 0x100:#x}"
    assert "f[6]d" in marked


def test_regions_are_the_tagged_mappings(stopped: tuple[Session, UserProgram]) -> None:
    session, process = stopped
    memory = facts(process)["memory"][0]
    readable = {
        (int(row["start"], 16), int(row["end"], 16))
        for row in session.rows("mte-regions")
        if row["perms"].startswith("r")
    }
    assert readable == {(memory, memory + PAGE), (memory + 2 * PAGE, memory + 4 * PAGE)}


def test_the_stub_reports_the_fault_before_the_handler_runs(
    stopped: tuple[Session, UserProgram],
) -> None:
    session, process = stopped
    pointer = facts(process)["pointer"][0]
    stop = session.resume("continue")
    assert (stop.reason, stop.signal) == ("signal-received", "SIGSEGV")
    assert "signal" not in facts(process)
    (row,) = session.rows("mte-fault")
    assert (row["signal"], row["code_name"]) == ("SIGSEGV", "SEGV_MTESERR")
    assert int(row["fault_address_raw"], 16) == pointer
    assert int(row["address"], 16) == pointer & ADDRESS_BITS
    assert row["logical_tag"] == pointer >> 56
    assert [granule["tag"] for granule in row["allocation_tags"]] == [pointer >> 56 ^ 1]
    assert int(row["pc"], 16) == session.number("$pc")
    assert (row["access"], row["size"], row["imprecise"]) == ("load", 8, False)
    # Going on passes the signal: the handler says what it got.
    assert session.resume("continue").exited
    after = facts(process)
    assert (after["signal"], after["code"]) == ([11], [9])
    assert after["si_addr"] == [pointer]


@pytest.mark.parametrize("flavour", GDBS)
def test_what_was_read_is_forgotten_when_the_program_runs(flavour: str, program: Path) -> None:
    with under_qemu(flavour, program) as (session, _):
        assert session.rows("mte-regions") == []
        session.execute("break checkpoint")
        session.resume("continue")
        assert len(session.rows("mte-regions")) == 2


WRONG = (
    ("mte-check", "mte-check: the following arguments are required: PTR"),
    ("mte-tags nowhere", "no symbol or variable 'nowhere' here"),
    ("mte-tags memory --no", "mte-tags: unrecognized arguments: --no"),
    ("mte-tags memory 0", "LEN is 0: not a length in bytes"),
    ("mte-tags 1.5", "'1.5' is not an integer constant"),
    ("mte-tags $nothing", "no register $nothing here"),
    ("mte-fault --thread 9", "no thread has the number 9"),
)


def test_wrong_usage(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    for line, message in WRONG:
        with pytest.raises(DebuggerError) as error:
            session.execute(line)
        assert str(error.value).splitlines()[0] == message


def test_holes_have_their_reason(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    assert "0x10: not mapped" in session.execute("mte-tags 0x10")
    assert "not tagged memory" in session.execute("mte-tags &memory")
    assert session.json("mte-tags &memory 32")["partial"] is True


@pytest.mark.parametrize("flavour", GDBS)
def test_completion(flavour: str, program: Path) -> None:
    with gdb(flavour, [program]) as session:
        commands = session.execute("complete mte-").split()
        assert {"mte-tags", "mte-fault", "mte-regions", "mte-check"} <= set(commands)
        assert session.execute("complete mte-tags wrong --r").split("\n")[0].endswith("--runs")
        assert "mte-tags wrong" in session.execute("complete mte-tags wron").splitlines()
