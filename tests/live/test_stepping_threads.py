"""`mte-step` of one thread beside another that holds the handler's lock: two threads of the VM."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mtedbg.lab import gdbserver, paths
from mtedbg.lab.vm import Vm
from mtedbg.shell.gdbmi import DebuggerError
from tests.support.gdb_session import Session, gdb
from tests.support.stepping import LOCAL_TO_SHARED

HOLDER, WAITER = 3, 2
OPTIONS = ["--policy", "seed", "--threads", "threads", "--cores", "2", "--data-start", "shared"]
ROUNDS = "10000"
"""More than the test steps over."""


@contextmanager
def stale(vm: Vm) -> Iterator[Session]:
    """GDB on the guest of that name behind gdbserver in the VM, before its first instruction."""
    runtime = str(paths.runtime())
    argv = [runtime, *OPTIONS, str(paths.guests() / "stale.elf"), ROUNDS]
    with gdbserver.serve(vm, argv) as port, gdb("gdb18", [runtime]) as session:
        session.execute(f"target remote 127.0.0.1:{port}")
        yield session


def step(session: Session, thread: int) -> dict[str, Any]:
    """The only row of `mte-step` of a thread."""
    session.execute(f"thread {thread}")
    (row,) = session.rows("mte-step")
    assert row["thread"] == thread
    return row


def step_until(session: Session, thread: int, done: Callable[[dict[str, Any]], bool]) -> int:
    """Over as many phases as a fault has at most, and the way to the first of them.

    Returns the number of the thread's guest thread, which need not be GDB's number: new threads
    take theirs as they come to run.
    """
    rows = (step(session, thread) for _ in range(2 * len(LOCAL_TO_SHARED)))
    return next(int(row["guest_thread"]) for row in rows if done(row))


def test_a_lock_that_another_thread_holds(lab_vm: Vm) -> None:
    with stale(lab_vm) as session:
        session.resume("continue")
        session.execute("handle SIGSEGV nostop noprint pass")
        # There thread 3 has let thread 2 go, whose next faults are its own.
        session.execute("mte-catch fault --function of_its_own")
        session.resume("continue")
        session.execute("set scheduler-locking on")
        session.resume("continue")
        session.execute("mte-catch --delete")
        holder = step_until(session, HOLDER, lambda row: row["lock"] is not None)
        waiter = step_until(session, WAITER, lambda row: row["phase"] == "lock")
        with pytest.raises(DebuggerError) as caught:
            session.execute("mte-step")
        assert str(caught.value).strip().splitlines() == [
            f"guest thread {holder} (thread {HOLDER}) holds the lock: thread {WAITER} would wait "
            "forever",
            f"select thread {HOLDER} and `mte-step` it past unlock first",
        ]
        # As it says.
        step_until(session, HOLDER, lambda row: row["lock"] is None)
        assert step(session, WAITER)["lock"] == waiter
