"""Linux programs with threads in a debugger: several host threads, in the VM behind gdbserver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtedbg.lab import gdbserver, paths
from mtedbg.lab.vm import Vm
from mtedbg.shell.gdbmi import DebuggerError
from tests.support import gdb_session, lldb_session, x86_64
from tests.support.gdb_session import Session, gdb
from tests.support.guest_crashes import program
from tests.support.lldb_session import connect, lldb
from tests.support.native_calls import NativeCall, as_native, native_calls
from tests.support.stepping import BFC, BFI

pytestmark = x86_64.only_natively("the guests have this machine's x86-64 C library")
PROCESS = "lldb.debugger.GetSelectedTarget().process"
PC = f"{PROCESS}.selected_thread.frames[0].pc"
LIMIT_S = 300.0
"""Until a fault in the right function: debuggers ask about each."""
OUTERMOST = ("libc_start_main", "start")
OTHERS_MEMORY = (
    *("fault", "lookup", "lock", "retag", "barrier", "patch-memop", "patch-address", "icache"),
    *("unlock", "resume"),
)
"""The phases of a fault on another thread's memory, by which the access becomes an ordered one."""


def words(kind: str, *arguments: str) -> list[str]:
    runtime = str(paths.runtime())
    return [runtime, "--threads", "threads", "--cores", "4", str(program(kind)), *arguments]


@contextmanager
def loops(vm: Vm) -> Iterator[Session]:
    """GDB on a program whose threads never end, past its first fault."""
    with (
        gdbserver.serve(vm, words("loops")) as port,
        gdb("gdb18", [paths.runtime()], limit_s=LIMIT_S) as session,
    ):
        session.execute(f"target remote 127.0.0.1:{port}")
        session.resume("continue")
        session.execute("handle SIGSEGV nostop noprint pass")
        yield session


def names(session: Session | lldb_session.Session, thread: int) -> list[str]:
    """The functions of a guest thread's calls."""
    report = session.json(f"guest-bt --thread {thread}")
    return [as_native(row).function for row in report["rows"]]


def behind(names: list[str], function: str) -> list[str]:
    """The callers of a function, and itself."""
    return names[names.index(function) :]


def natively(folder: Path) -> list[NativeCall]:
    """The calls of a native run's thread at its first call of `add`."""
    stop = ("set breakpoint pending on", "break add")
    return native_calls(program("loops"), [], folder, *stop)


def test_a_fault_of_the_second_thread_phase_by_phase(lab_vm: Vm, tmp_path: Path) -> None:
    """What it has at last is what a native run's thread has there; each word is GDB's reading."""
    expected = natively(tmp_path)
    with loops(lab_vm) as session:
        with pytest.raises(DebuggerError) as refused:
            session.execute("mte-catch fault --thread 9")
        assert str(refused.value).startswith("no thread has the number 9\n")
        assert session.execute("info breakpoints").startswith("No breakpoints")
        session.execute("mte-catch fault --function add")
        assert session.resume("continue").reason == "breakpoint-hit"
        second = session.number("$_thread")
        assert second in (2, 3)
        calls = [as_native(row) for row in session.rows(f"guest-bt --thread {second}")]
        assert [call.function for call in calls] == [call.function for call in expected]
        # Where `add` is, is another instruction of it; its callers wait at their calls.
        assert calls[1:] == expected[1:]
        assert behind(names(session, 1), "main")[0] == "main"
        (row,) = session.rows("guest-frame")
        assert (row["thread"], row["rip"]) == (second, session.rows("guest-bt")[0]["rip"])
        session.execute("mte-catch --delete")

        (now,) = session.rows("mte-step --here")
        insert, access = (int(one["address"], 16) for one in now["instructions"])
        assert word(session, insert) == BFI
        phases, seen = [now["phase"]], {now["phase"]: word(session, access)}
        while (now := session.rows("mte-step")[0])["phase"] is not None:
            assert now["thread"] == second
            phases.append(now["phase"])
            seen[now["phase"]] = word(session, access)
        assert tuple(phases) == OTHERS_MEMORY
        # [2] is new from the phase after `patch-memop` on, [1] at the end.
        before = {phase for phase in phases if seen[phase] == seen["fault"]}
        assert before == set(OTHERS_MEMORY[: OTHERS_MEMORY.index("patch-address")])
        assert word(session, insert) == BFC
        assert session.number("$pc") == insert
        (now,) = session.rows("mte-step")
        assert session.number("$pc") == access
        session.execute("stepi")
        assert session.number("$pc") == access + 4


def word(session: Session | lldb_session.Session, address: int) -> int:
    """By the debugger's own reading of memory."""
    if isinstance(session, Session):
        return session.number(f"*(unsigned int *) {address:#x}")
    printed = session.execute(f"memory read --format x --size 4 --count 1 {address:#x}")
    return int(printed.split(":")[1], 16)


def interrupted(session: Session) -> None:
    """Lets the program go on, and stops it by Ctrl-C once it runs."""
    begun = session.begin("continue")
    while not session.running:
        assert session.pump()
    session.interrupt()
    session.wait(begun)
    assert begun.stop is not None
    assert begun.stop.signal == "SIGINT"


def test_ctrl_c_in_the_middle(lab_vm: Vm, tmp_path: Path) -> None:
    """Wherever its threads are: each has the callers that a native run's has."""
    expected = [call.function for call in natively(tmp_path)]
    with loops(lab_vm) as session:
        session.execute("mte-catch fault --function begin")
        while session.number("$_inferior_thread_count") < 3:  # each of them faults there
            assert session.resume("continue").reason == "breakpoint-hit"
        session.execute("mte-catch --delete")
        for _ in range(3):
            interrupted(session)
            assert names(session, 1)[-4:] == ["main", "libc_start_call_main", *OUTERMOST]
            for thread in (2, 3):
                found = names(session, thread)
                outer = "work" if "work" in found else found[0]  # a thread may not have begun
                assert behind(found, outer) == behind(expected, outer)


@contextmanager
def loops_in_lldb(vm: Vm, flavour: str) -> Iterator[lldb_session.Session]:
    """As `loops`."""
    with (
        gdbserver.serve(vm, words("loops")) as port,
        lldb(flavour, [paths.runtime()], limit_s=LIMIT_S) as session,
    ):
        connect(session, f"connect://127.0.0.1:{port}")
        session.execute("continue")
        session.execute("process handle SIGSEGV --stop false --notify false --pass true")
        yield session


@pytest.mark.parametrize("flavour", lldb_session.LLDBS)
def test_a_fault_of_the_second_thread_in_lldb(lab_vm: Vm, flavour: str, tmp_path: Path) -> None:
    """Found though both threads fault all the time, and often at once; then phase by phase."""
    expected = natively(tmp_path)
    with loops_in_lldb(lab_vm, flavour) as session:
        refused = session.error("mte-catch fault --thread 9")
        assert refused.startswith("no thread has the number 9\n")
        assert session.rows("mte-catch --list") == []
        session.execute("mte-catch fault --function add")
        assert "stop reason = breakpoint" in session.execute("continue")
        (row,) = session.rows("guest-frame")
        second = row["thread"]
        assert second in (2, 3)
        calls = [as_native(one) for one in session.rows(f"guest-bt --thread {second}")]
        assert [call.function for call in calls] == [call.function for call in expected]
        assert calls[1:] == expected[1:]
        session.execute("mte-catch --delete")

        (now,) = session.rows("mte-step --here")
        insert, access = (int(one["address"], 16) for one in now["instructions"])
        assert word(session, insert) == BFI
        phases = [now["phase"]]
        while (now := session.rows("mte-step")[0])["phase"] is not None:
            assert now["thread"] == second
            phases.append(now["phase"])
        assert tuple(phases) == OTHERS_MEMORY
        assert word(session, insert) == BFC
        assert session.python(PC) == insert
        session.rows("mte-step")
        assert session.python(PC) == access


@pytest.mark.parametrize("flavour", lldb_session.LLDBS)
def test_ctrl_c_in_lldb(lab_vm: Vm, flavour: str, tmp_path: Path) -> None:
    """As in GDB: while its second and third thread run."""
    expected = [call.function for call in natively(tmp_path)]
    with loops_in_lldb(lab_vm, flavour) as session:
        session.execute("mte-catch fault --function begin")
        while session.python(f"{PROCESS}.GetNumThreads()") < 3:  # each of them faults there
            assert "stop reason = breakpoint" in session.execute("continue")
        session.execute("mte-catch --delete")
        for _ in range(3):
            session.execute("continue", wait=False)
            session.execute("process interrupt")
            # By SIGINT, or by a fault that came at the same time.
            assert "stop reason = signal SIG" in session.execute("thread list")
            assert names(session, 1)[-4:] == ["main", "libc_start_call_main", *OUTERMOST]
            for thread in (2, 3):
                found = names(session, thread)
                outer = "work" if "work" in found else found[0]  # a thread may not have begun
                assert behind(found, outer) == behind(expected, outer)


@pytest.mark.parametrize("flavour", ["gdb18", "lldb23"])
def test_a_thread_that_crashes(lab_vm: Vm, flavour: str, tmp_path: Path) -> None:
    expected = native_calls(program("static"), ["thread"], tmp_path)
    arguments = words("static", "thread")
    with gdbserver.serve(lab_vm, arguments) as port:
        if flavour.startswith("gdb"):
            with gdb(flavour, [paths.runtime()]) as session:
                session.execute(f"target remote 127.0.0.1:{port}")
                session.execute("handle SIGSEGV nostop noprint pass")
                session.execute("break mtetso::die_of_signal")
                assert session.resume("continue").reason == "breakpoint-hit"
                dead(session, expected)
        else:
            with lldb(flavour, [paths.runtime()]) as other:
                connect(other, f"connect://127.0.0.1:{port}")
                other.execute("process handle SIGSEGV --stop false --notify false --pass true")
                other.execute("breakpoint set --name mtetso::die_of_signal")
                assert "stop reason = breakpoint" in other.execute("continue")
                dead(other, expected)


def dead(session: gdb_session.Session | lldb_session.Session, expected: list[NativeCall]) -> None:
    """The calls of the thread that is ending the program, where the debugger has stopped."""
    report = session.json("guest-bt")
    assert not any("guess" in note for note in report["notes"])
    assert [as_native(row) for row in report["rows"]] == expected
