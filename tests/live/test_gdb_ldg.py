"""The last resort for tags: LDG run in the program, only where the user allows it, and undone.

QEMU's stub gives tags; that it does is denied here, as an older one would.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mtedbg.lab.user import UserProgram
from mtedbg.shell.gdbmi import DebuggerError
from tests.support.compile import compiled
from tests.support.cores import parse_facts
from tests.support.gdb_session import GDBS, Session, gdb, under_qemu

DENY = "set remote memory-tagging-feature-packet off"
ALLOW = "set mtedbg inferior-reads on"
GRANULES = 24


@pytest.fixture(params=GDBS)
def stopped(request: pytest.FixtureRequest) -> Iterator[tuple[Session, UserProgram]]:
    with under_qemu(request.param, compiled("gdb_target", "-static")) as (session, process):
        session.execute("break checkpoint")
        session.resume("continue")
        yield session, process


def state(session: Session) -> list[str]:
    """All that must be as before."""
    session.execute("maintenance flush register-cache")
    commands = ("info registers", "x/16xw $pc-32", "x/16xw &_start", "frame", "info breakpoints")
    return [session.execute(command) for command in commands]


def test_it_is_off_unless_it_is_set(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    session.execute(DENY)
    report = session.json("mte-check wrong")
    assert report["target"]["tag_source"] == "none"
    assert report["partial"] is True
    assert any("help set mtedbg inferior-reads" in note for note in report["notes"])
    assert "QEMU's stub before 9.1" in session.execute("help set mtedbg inferior-reads")


def test_tags_are_the_programs_and_all_is_put_back(stopped: tuple[Session, UserProgram]) -> None:
    session, process = stopped
    facts = parse_facts(process.output().encode())
    session.execute(DENY)
    session.execute(ALLOW)
    session.execute("up")
    before = state(session)
    report = session.json(f"mte-tags memory {GRANULES * 16} --granules")
    assert report["target"]["tag_source"] == "ldg"
    assert [row["tag"] for row in report["rows"]] == facts["first"][:GRANULES]
    assert state(session) == before
    # GDB 18 would fail inside, at the fault, where the packet is still denied.
    session.execute("set remote memory-tagging-feature-packet on")
    assert session.resume("continue").signal == "SIGSEGV"
    assert session.resume("continue").exited
    assert parse_facts(process.output().encode())["si_addr"] == facts["pointer"]


def test_it_is_refused_on_a_signal(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    session.resume("continue")
    session.execute(DENY)
    session.execute(ALLOW)
    before = state(session)
    (row,) = session.rows("mte-fault")
    assert [granule["tag"] for granule in row["allocation_tags"]] == [None]
    assert "LDG is not run at a signal" in session.execute("mte-check wrong")
    assert state(session) == before


def test_holes_need_no_instruction(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    session.execute(DENY)
    session.execute(ALLOW)
    assert "not mapped" in session.execute("mte-tags 0x10 16")


def test_many_tags_of_qemu_are_read_by_one_loop(stopped: tuple[Session, UserProgram]) -> None:
    """Five pages, tagged, plain, tagged, untouched, inaccessible: the same as by packets."""
    session, _ = stopped
    line = "mte-tags memory 5*4096 --granules"
    by_packets = session.rows(line)
    session.execute(ALLOW)
    session.execute("up")
    before = state(session)
    assert session.rows(line) == by_packets
    assert "tags by LDG, run in the program" in session.warning(line)
    assert session.warning("mte-tags memory 64") == ""
    assert state(session) == before


@pytest.mark.parametrize("flavour", GDBS)
def test_settings_are_shown_and_checked(flavour: str) -> None:
    with gdb(flavour) as session:
        shown = session.execute("show mtedbg")
        assert "inferior-reads" in shown
        assert "patience" in shown
        session.machine("-gdb-set mtedbg patience 7")
        assert session.machine("-gdb-show mtedbg patience")["value"] == "7"
        with pytest.raises(DebuggerError):
            session.execute("set mtedbg patience soon")
        assert "seconds" in session.execute("help set mtedbg patience")
