"""What is wrong is said in one line and what to do in another, and the session goes on.

The same in every debugger, and for every command where the reason concerns them all.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.commands import names
from mtedbg.lab import gdbserver, paths, user
from mtedbg.lab.vm import Vm
from mtedbg.shell.gdbmi import Command
from tests.matrix.controllers import GdbController, LldbController
from tests.matrix.plan import PLAN
from tests.matrix.record import BEGINS, RefusedError
from tests.support import proxy
from tests.support.compile import ROOT, compiled
from tests.support.gdb_session import GDBS, gdb
from tests.support.lldb_session import LLDBS, connect, lldb
from tests.support.offline import offline

Controller = GdbController | LldbController

DEBUGGERS = [*GDBS, *LLDBS]
FACTS = {"tag": "1", "window": "$pc", "base": "x0", "mine": "2"}
LINES = {name: question.line.format(**FACTS) for name, question in PLAN.items()}


@contextlib.contextmanager
def started(flavour: str, *arguments: str | Path) -> Iterator[Controller]:
    if flavour in GDBS:
        with gdb(flavour, arguments) as session:
            yield GdbController(session)
    else:
        with lldb(flavour, arguments) as lldb_session:
            yield LldbController(lldb_session)


@contextlib.contextmanager
def attached(flavour: str, socket: Path, program: Path) -> Iterator[Controller]:
    """To a stub on a unix socket."""
    with started(flavour, program) as debugger:
        if isinstance(debugger, GdbController):
            debugger.execute(f"target remote {socket}")
            debugger.execute("handle SIGSEGV stop print pass")
        else:
            connect(debugger.session, f"unix-connect://{socket}")
        yield debugger


def to(debugger: Controller, function: str) -> None:
    """Runs to a function."""
    if isinstance(debugger, GdbController):
        debugger.execute(f"break {function}")
        debugger.session.resume("continue")
    else:
        debugger.execute(f"breakpoint set --name {function}")
        debugger.execute("continue")


def refused(debugger: Controller, line: str) -> list[str]:
    """The lines of what is complained of; never more than two, and never Python's."""
    with pytest.raises(RefusedError) as error:
        debugger.execute(line)
    return checked(str(error.value))


def checked(complaint: str) -> list[str]:
    lines = complaint.strip().splitlines()
    assert 1 <= len(lines) <= 2, complaint
    assert "Traceback" not in complaint
    assert "Python Exception" not in complaint
    return lines


def answered(debugger: Controller, line: str) -> dict[str, object] | None:
    """The report of a command; None where it is refused in due form."""
    try:
        printed = debugger.execute(f"{line} --json")
    except RefusedError as error:
        checked(str(error))
        return None
    report = json.loads(printed[printed.index(BEGINS) :])
    assert isinstance(report, dict)
    return report


def test_every_command_is_here() -> None:
    assert set(LINES) == set(names())


@pytest.mark.parametrize("flavour", DEBUGGERS)
def test_no_process(flavour: str) -> None:
    with started(flavour) as debugger:
        for program in (None, compiled("gdb_target", "-static")):
            if program is not None:
                debugger.execute(f"file {program}")
            for line in LINES.values():
                first, second = refused(debugger, line)
                assert first == "no program is being debugged", line
                assert second.startswith("start or attach to one, or open a core: ")
        assert "Usage: mte-tags" in debugger.execute("help mte-tags")


@pytest.mark.parametrize("flavour", DEBUGGERS)
def test_a_running_process(flavour: str) -> None:
    program = compiled("gdb_target", "-static")
    with (
        user.start([program, "wait"]) as process,
        attached(flavour, process.socket, program) as debugger,
    ):
        if isinstance(debugger, GdbController):
            debugger.execute("continue &")
        else:
            debugger.session.execute("continue", wait=False)
        for line in LINES.values():
            first, second = refused(debugger, line)
            assert first == "the program is running", line
            assert second.startswith("stop it first: ")


@pytest.mark.parametrize("flavour", DEBUGGERS)
def test_another_architecture(flavour: str) -> None:
    with started(flavour, "/bin/true") as debugger:
        if isinstance(debugger, GdbController):
            debugger.session.resume("starti")
        else:
            debugger.execute("process launch --stop-at-entry")
        for line in LINES.values():
            first, second = refused(debugger, line)
            assert re.fullmatch(r"this program is for \S*x86.64, not for 64-bit AArch64", first)
            assert second.startswith("memory tagging exists only on AArch64")
        debugger.execute("kill" if isinstance(debugger, GdbController) else "process kill")


@pytest.mark.parametrize("flavour", DEBUGGERS)
@pytest.mark.parametrize("cpu", [user.CPU, "cortex-a72"], ids=["unused", "no-mte"])
def test_a_process_without_tags(flavour: str, cpu: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never asked for them, and one on a processor that has none."""
    monkeypatch.setattr(user, "CPU", cpu)
    program = compiled("ticker", "-static")
    with user.start([program]) as process, attached(flavour, process.socket, program) as debugger:
        to(debugger, "main")
        check = answered(debugger, "mte-check $sp")
        assert check is not None
        (row,) = check["rows"]  # type: ignore[misc]
        assert row["allocation_tag"] is None
        assert answered(debugger, "mte-tags $sp 64") is not None
        regions = answered(debugger, "mte-regions")
        assert regions is not None
        assert not [one for one in regions["rows"] if one["tagged"] is True]  # type: ignore[attr-defined]
        fault = answered(debugger, "mte-fault")
        assert fault is not None
        assert str(fault["headline"]).startswith("no fault: ")
        refused(debugger, "mte-set $sp 16 1")
        for line in LINES.values():
            answered(debugger, line)
        assert debugger.registers(["pc"])["pc"]


NONSENSE = (
    *(b"", b"E", b"E7", b"OK", b"m", b"m0", b"m0g", b"mzz", b"m1f", b"M00", b"m" + b"00" * 9000),
    *(b"\xff\xfe\x00m00", b"m00;m00", b"W00", b"x" * 70000),
)


@pytest.mark.parametrize("flavour", DEBUGGERS)
def test_a_server_that_answers_nonsense(flavour: str) -> None:
    program = compiled("gdb_target", "-static")
    with (
        user.start([program]) as process,
        proxy.before(process.socket) as between,
        attached(flavour, between.socket, program) as debugger,
    ):
        to(debugger, "checkpoint")
        right = answered(debugger, "mte-check wrong")
        for nonsense in NONSENSE:
            between.spoil = only(b"qMemTags", nonsense)
            for line in ("mte-check wrong", "mte-tags wrong", "mte-find 3 memory 64"):
                report = answered(debugger, line)
                assert report is None or report["partial"] is True or holds_none(report), (
                    nonsense,
                    report,
                )
            between.spoil = only(b"", None)
            assert answered(debugger, "mte-check wrong") == right, nonsense


def only(start: bytes, answer: bytes | None) -> proxy.Spoil:
    return lambda packet: answer if packet.startswith(start) else None


def holds_none(report: dict[str, object]) -> bool:
    """Whether a report claims nothing."""
    return report["rows"] == []


@pytest.mark.parametrize("flavour", DEBUGGERS)
def test_a_server_that_dies_in_the_middle(flavour: str) -> None:
    program = compiled("gdb_target", "-static")
    with (
        user.start([program]) as process,
        proxy.before(process.socket) as between,
        attached(flavour, between.socket, program) as debugger,
    ):
        to(debugger, "checkpoint")
        memory = debugger.symbol("memory")
        place = int.from_bytes(debugger.read(memory, 8), "little")
        left = iter(range(20))
        between.spoil = lambda packet: (
            proxy.CUT if packet.startswith(b"qMemTags") and next(left, None) is None else None
        )
        refused(debugger, f"mte-tags {place:#x} 4096")
        for line in (f"mte-check {place:#x}", "mte-find 3"):
            refused(debugger, line)
        fault = answered(debugger, "mte-fault")  # LLDB still has threads, and says so
        assert fault is None or fault["partial"] is True
        assert "Usage: mte-tags" in debugger.execute("help mte-tags")


MISTAKES = (
    *("mte-check nowhere", "mte-check 1.5", "mte-check $nothing", "mte-check )", "mte-check '1 +'"),
    *("mte-tags $pc 0", "mte-tags $pc -1", "mte-find 16", "mte-find nonsense", "mte-set $pc 16"),
    *("mte-tags $pc --no-such", "jit-block nowhere", "mte-check 'unended", "mte-fault --thread 99"),
    *("mte-set $pc 16 99", "mte-check *0", "mte-tags $pc 1 2 3", "mte-check 0x", "memops -n x"),
)


@pytest.mark.parametrize("flavour", DEBUGGERS)
def test_mistakes_in_a_command(flavour: str) -> None:
    program = compiled("gdb_target", "-static")
    with user.start([program]) as process, attached(flavour, process.socket, program) as debugger:
        to(debugger, "checkpoint")
        before = debugger.registers(["pc", "sp", "x0"])
        for line in MISTAKES:
            refused(debugger, line)
        assert debugger.registers(["pc", "sp", "x0"]) == before


@pytest.mark.parametrize("flavour", LLDBS)
def test_a_root_that_changes_while_it_is_read(flavour: str) -> None:
    """QEMU's stub lets other threads run: here the one that publishes.

    GDB 13 and 18 end at times with an internal error when they stop there: `inferior_thread:
    Assertion current_thread_ != nullptr`. They have `test_other_threads_run`.
    """
    program = compiled(*FLIPPING)
    with user.start([program]) as process, attached(flavour, process.socket, program) as debugger:
        to(debugger, "checkpoint")
        generations = set()
        table = debugger.symbol("code_map")
        for _ in range(8):
            generations.add(published(debugger, table))
            for line in ("jit-blocks", "jit-audit", "jit-block $pc", "jit-segments"):
                report = answered(debugger, line)
                if line == "jit-blocks" and report is not None:
                    of_one_generation(report)
        assert len(generations) > 1  # it did change


FLIPPING = ("flipping", f"-I{ROOT / 'native/include'}", "-static")


def test_a_core_taken_while_it_changes(lab_vm: Vm, tmp_path: Path) -> None:
    """At whatever instant: one generation, whole; the newest or the one before it."""
    program = compiled(*FLIPPING)
    generations = range(20, 28)
    for generation in generations:
        result = lab_vm.run([str(program), str(generation)], cores_to=tmp_path)
        (core,) = result.cores
        blocks, audit = offline(core, program, ["jit-blocks", "jit-audit"])
        assert len(blocks["rows"]) == 64
        of_one_generation(blocks)
        assert blocks["rows"][0]["id"] // 100 >= generation - 1
        assert not [row for row in audit["rows"] if row["what"] in ("unreadable", "damaged")
                    and row["where"] == "code-map"]  # fmt: skip


@pytest.mark.parametrize("flavour", GDBS)
def test_other_threads_run(lab_vm: Vm, flavour: str) -> None:
    """GDB's non-stop mode: one thread has stopped, the one that changes the root has not."""
    program = compiled(*FLIPPING)
    with (
        gdbserver.serve(lab_vm, [str(program)]) as port,
        started(flavour, program) as debugger,
    ):
        assert isinstance(debugger, GdbController)
        debugger.execute("set non-stop on")
        debugger.execute(f"target remote 127.0.0.1:{port}")
        to(debugger, "checkpoint")
        assert "(running)" in debugger.execute("info threads")
        for line in (*LINES.values(), "mte-fault --all-threads", "guest-frame --all-threads"):
            if not line.startswith(("mte-step", "mte-catch")):
                answered(debugger, line)
        blocks = answered(debugger, "jit-blocks")
        assert blocks is not None
        of_one_generation(blocks)
        debugger.execute("thread 2")
        for line in LINES.values():
            first, _ = refused(debugger, line)
            assert first == "the program is running"


def published(debugger: Controller, table: int) -> str:
    """The generation, past the caches of debuggers."""
    packet = f"m{table:x},8"
    if isinstance(debugger, GdbController):
        return debugger.execute(f"maintenance packet {packet}").rpartition("received")[2]
    return debugger.execute(f"process plugin packet send {packet}").rpartition("response")[2]


def of_one_generation(report: dict[str, object]) -> None:
    rows = report["rows"]
    assert isinstance(rows, list)
    if rows:
        assert len({row["id"] // 100 for row in rows}) == 1
        assert len(rows) == 64
    else:
        assert report["partial"] is True
        assert "unstable" in str(report["notes"]), report["notes"]


@pytest.mark.parametrize("flavour", GDBS)
def test_ctrl_c_ends_the_command_and_not_the_session(flavour: str) -> None:
    """Of LLDB at a terminal, where alone it hears of it: `test_lldb_terminal.py`."""
    argv = [paths.runtime(), paths.guests() / "message.elf", "1"]
    with (
        user.start(argv) as process,
        proxy.before(process.socket) as between,
        attached(flavour, between.socket, argv[0]) as debugger,
    ):
        assert isinstance(debugger, GdbController)
        debugger.to_next_fault()
        for line in ("mte-regions --all", "mte-find 3 --all"):
            between.wait_for(b"")
            begun = debugger.session.begin(line)
            between.wait_for(b"qMemTags")
            debugger.session.interrupt()
            assert interrupted(debugger, begun) == ["Quit"]  # GDB's own word for it
            assert "synchronous" in debugger.execute("mte-fault")


def interrupted(debugger: GdbController, begun: Command) -> list[str]:
    """What is complained of when a command ends that was begun."""
    with pytest.raises(RefusedError) as error:
        debugger.ended(begun)
    return checked(str(error.value))
