"""The commands in real LLDBs, on a program under QEMU's user mode."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.commands import names
from mtedbg.lab import user
from mtedbg.lab.user import UserProgram
from tests.support.compile import compiled
from tests.support.cores import parse_facts
from tests.support.lldb_session import LLDBS, Session, connect, lldb, under_qemu

PAGE, GRANULE = 4096, 16
ADDRESS_BITS = (1 << 56) - 1
PACKET = re.compile(r"send packet: \$(\w+)")
# Packets that change memory or registers, or let the program run.
CHANGING = {"M", "X", "G", "P", "vCont", "c", "s", "C", "S", "QMemTags"}


@pytest.fixture(scope="module")
def program() -> Path:
    return compiled("gdb_target", "-static")


@pytest.fixture(params=LLDBS)
def stopped(request: pytest.FixtureRequest, program: Path) -> Iterator[tuple[Session, UserProgram]]:
    """At the checkpoint: tags are set, the fault is yet to come."""
    with under_qemu(request.param, program) as (session, process):
        to_checkpoint(session)
        yield session, process


def to_checkpoint(session: Session) -> None:
    session.execute("breakpoint set --name checkpoint")
    assert "stop reason = breakpoint" in session.execute("continue")


def facts(process: UserProgram) -> dict[str, list[int]]:
    return parse_facts(process.output().encode())


def packets(log: Path) -> set[str]:
    """The names of what was sent since the log was enabled; what was before is "history"."""
    lines = [line for line in log.read_text().splitlines() if "history[" not in line]
    return {
        re.sub(r"^([MXGP])[0-9a-f]+$", r"\1", each) for each in PACKET.findall("\n".join(lines))
    }


def test_tags_are_those_the_program_reads_itself(stopped: tuple[Session, UserProgram]) -> None:
    session, process = stopped
    said = facts(process)
    memory = said["memory"][0]
    rows = session.rows("mte-tags memory 5*4096 --granules")
    found = {int(row["start"], 16): row["tag"] for row in rows}
    for name, page in (("first", 0), ("third", 2)):
        start = memory + page * PAGE
        assert [found[start + n * GRANULE] for n in range(PAGE // GRANULE)] == said[name]
    assert {found.get(memory + PAGE + n * GRANULE) for n in range(256)} == {None}
    assert {found[memory + 3 * PAGE + n * GRANULE] for n in range(256)} == {0}


def test_the_fault_before_and_after_its_handler(stopped: tuple[Session, UserProgram]) -> None:
    session, process = stopped
    pointer = facts(process)["pointer"][0]
    session.execute("continue")
    (row,) = session.rows("mte-fault")
    assert row["code_name"] == "SEGV_MTESERR"
    assert int(row["fault_address_raw"], 16) == pointer
    assert row["logical_tag"] == pointer >> 56
    assert [granule["tag"] for granule in row["allocation_tags"]] == [pointer >> 56 ^ 1]
    assert int(row["pc"], 16) == session.python("lldb.frame.GetPC()")
    assert "exited with status = 0" in session.execute("continue")
    assert facts(process)["si_addr"] == [pointer]
    assert session.error("mte-fault").splitlines()[0] == "no program is being debugged"


def test_nothing_runs_and_nothing_is_written(
    stopped: tuple[Session, UserProgram], tmp_path: Path
) -> None:
    session, _ = stopped
    log = tmp_path / "packets"
    session.execute(f"log enable --file {log} gdb-remote packets")
    for line in (
        *("mte-tags wrong+16", "mte-tags &memory 32", "mte-tags memory[3]", "mte-fault"),
        *("mte-tags main", "mte-check *memory", "mte-tags '$sp - 2*(8+8)'", "mte-regions --all"),
    ):
        session.execute(line)
    sent = packets(log)
    assert "qMemTags" in sent
    assert not sent & CHANGING
    # LLDB's own evaluation makes the program call mmap: the log would show it.
    session.execute("expression wrong + 1")
    assert packets(log) & CHANGING


def test_expressions_are_those_of_lldb(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    for ours, theirs in (
        *(("wrong", "wrong"), ("wrong + 2*8", "wrong + 2*8"), ("&memory + 1", "&memory + 1")),
        *(("wrong - memory", "wrong - memory"), ("main+4", "(char*)main + 4")),
        *(("$sp-(4-1)", "$sp-(4-1)"), ("memory[1]", "memory[1]")),
    ):
        (row,) = session.rows(f"mte-check '{ours}'")
        found = int(row["address"], 16) | (row["logical_tag"] << 56)
        assert found == session.number(theirs) & ~(0xF << 60), ours


def test_writing_tags(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    before = [row["tag"] for row in session.rows("mte-tags memory 128 --granules")]
    session.execute("mte-set memory+16 48 11")
    after = [row["tag"] for row in session.rows("mte-tags memory 128 --granules")]
    assert after == [before[0], 11, 11, 11, *before[4:]]
    assert "nothing was written" in session.error("mte-set &memory 16 1")


@pytest.mark.parametrize("flavour", LLDBS)
def test_an_empty_line_repeats_what_only_reads(flavour: str, program: Path) -> None:
    with under_qemu(flavour, program) as (session, _):
        to_checkpoint(session)
        first = session.execute("mte-check wrong")
        assert session.execute("") == first
        session.execute("mte-set wrong 16 1")
        assert session.error("").lower().startswith("no auto repeat")


WRONG = (
    ("mte-check", "mte-check: the following arguments are required: PTR"),
    ("mte-tags nowhere", "no symbol or variable 'nowhere' here"),
    ("mte-tags memory 0", "LEN is 0: not a length in bytes"),
    ("mte-tags 1.5", "'1.5' is not an integer constant"),
    ("mte-tags $nothing", "no register $nothing here"),
    ("mte-tags memory+memory", "a pointer + a pointer has no meaning"),
    ("mte-tags getpid()", "cannot read 'getpid()' at '()'"),
    ("mte-fault --thread 9", "no thread has the number 9"),
)


def test_wrong_usage(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    for line, message in WRONG:
        first, *rest = session.error(line).splitlines()
        assert first == message
        assert len(rest) == 1


def test_completion(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    assert {"mte-tags", "mte-set"} <= set(session.completed("mte-"))
    assert "tags" in session.completed("mte ta")
    assert "wrong" in session.completed("mte-tags wro")
    assert {"--mode", "--sort", "--json"} <= set(session.completed("memops --"))
    assert "/etc/" in session.completed("memops --export /et")
    assert session.completed("memops --json -n ") == []
    version = session.execute("version")
    if "version 19" in version:  # it asks no command written in Python what words there are
        assert session.completed("memops --sort ") == session.completed("mte-catch ") == []
        return
    assert session.completed("memops --mode L") == ["Local"]
    assert session.completed("mte-tags wrong --g") == ["--granules"]
    assert session.completed("mte-fault --thread ") == ["1"]
    assert "$x16" in session.completed("mte-tags $x1")


def test_every_command_in_two_words(stopped: tuple[Session, UserProgram]) -> None:
    session, _ = stopped
    for line in ("mte fault", "mte check wrong", "mte tags wrong 32", "mte find 3 -n 2"):
        assert session.execute(line) == session.execute(line.replace(" ", "-", 1))
    for name in names():
        first, _, rest = name.partition("-")
        both = f"{first} {rest}" if rest else f"mtedbg {first}"
        if first != "memop":  # a command itself, which LLDB has no help of two words for
            assert f"Usage: {name}" in session.execute(f"help {both}")
        assert f"\n{name} " in session.execute("help mtedbg")
    for line in ("memop log", "memop verify", "memop 1", "mtedbg memops", "jit blocks"):
        assert session.error(line).startswith("no runtime with a debug root is in this process")


def test_files_come_through_byte_for_byte(
    stopped: tuple[Session, UserProgram], tmp_path: Path
) -> None:
    """Escapes, run lengths, packet ends, what is no UTF-8: all but zero, which LLDB cuts at."""
    session, _ = stopped
    text, cut = tmp_path / "text", tmp_path / "cut"
    data = bytes(range(1, 256)) * 20 + b"\n*}#$~" + b"a" * 500
    text.write_bytes(data)
    cut.write_bytes(b"before\0after")
    session.execute("script from mtedbg.adapters.lldb.files import read_file")
    session.execute("script from mtedbg.adapters.lldb.link import Link")
    session.execute("script link = Link(lldb.process)")
    assert session.python(f"read_file(link, {str(text)!r}).hex()") == data.hex()
    for missing in (cut, tmp_path / "nothing"):
        why = session.python(f"str(read_file(link, {str(missing)!r}))")
        assert str(missing) in why


@pytest.mark.parametrize("flavour", LLDBS)
def test_a_connection_before_there_is_a_target(flavour: str, program: Path) -> None:
    """LLDB then takes this machine's platform, whose process of that number is another one."""
    with user.start([program]) as process, lldb(flavour) as session:
        connect(session, f"unix-connect://{process.socket}")
        symbols = subprocess.run(
            ["aarch64-linux-gnu-nm", program], capture_output=True, text=True, check=True
        ).stdout
        (checkpoint,) = re.findall(r"^(\w+) T checkpoint$", symbols, re.MULTILINE)
        session.execute(f"breakpoint set --address 0x{checkpoint}")
        session.execute("continue")
        memory = facts(process)["memory"][0]
        rows = session.rows("mte-regions")
        assert any(int(row["start"], 16) <= memory < int(row["end"], 16) for row in rows)
        assert session.rows(f"mte-tags {memory:#x} 16")[0]["tag"] is not None
