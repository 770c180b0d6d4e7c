"""`mte-step` and `mte-catch` in real GDBs; `tests/support/stepping.py` has what they must show."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest

from mtedbg.lab import paths, user
from mtedbg.shell.gdbmi import DebuggerError
from tests.support import stepping
from tests.support.gdb_session import GDBS, Session, gdb
from tests.support.stepping import Stepping


def tag(session: Session, address: int) -> int:
    """By a packet that GDB prints."""
    printed = session.execute(f"maintenance packet qMemTags:{address:x},1:1")
    match = re.search(r'received: "m0([0-9a-f])"', printed)
    assert match, printed
    return int(match[1], 16)


def breakpoints(session: Session) -> list[int]:
    printed = session.execute("info breakpoints")
    return [int(number) for number in re.findall(r"^(\d+) +\w*breakpoint", printed, re.MULTILINE)]


@contextlib.contextmanager
def guest(flavour: str, name: str, *arguments: str, options: str = "") -> Iterator[Stepping]:
    """A guest at its first fault, the signal not passed on yet."""
    runtime = paths.runtime()
    argv = [runtime, *options.split(), paths.guests() / f"{name}.elf", *arguments]
    with user.start(argv) as process, gdb(flavour, [runtime]) as session:
        session.execute(f"target remote {process.socket}")
        with pytest.raises(DebuggerError, match="no runtime with a debug root"):
            session.execute("mte-step")
        session.execute("handle SIGSEGV stop print pass")
        assert session.resume("continue").signal == "SIGSEGV"
        yield Stepping(
            session,
            pc=lambda: session.number("$pc"),
            symbol=lambda symbol: session.number(f"&{symbol}"),
            word=lambda address: session.number(f"*(unsigned int *) {address:#x}"),
            tag=lambda address: tag(session, address),
            go_on=lambda: session.resume("continue"),
            pass_signals=lambda on: session.execute(
                "handle SIGSEGV nostop noprint pass" if on else "handle SIGSEGV stop nopass"
            ),
            breakpoints=lambda: breakpoints(session),
            delete=lambda number: session.execute(f"delete {number}"),
            break_at=lambda address: session.execute(f"break *{address:#x}"),
            settings=lambda: (
                session.execute("info signals SIGSEGV") + session.execute("show scheduler-locking")
            ),
        )


@pytest.mark.parametrize("flavour", GDBS)
def test_the_road_of_a_fault(flavour: str) -> None:
    with guest(flavour, "message", options="--cores 2 --data-start shared") as at:
        stepping.assert_the_road_of_a_fault(at)
        stepping.assert_a_retag_is_seen(at)


@pytest.mark.parametrize("flavour", GDBS)
def test_filters(flavour: str) -> None:
    with guest(flavour, "stale", options="--policy seed --data-start shared") as at:
        stepping.assert_filters(at)


@pytest.mark.parametrize("flavour", GDBS)
def test_what_comes_between(flavour: str) -> None:
    with guest(flavour, "message") as at:
        stepping.assert_what_comes_between(at)


@pytest.mark.parametrize("flavour", GDBS)
def test_the_end(flavour: str) -> None:
    with guest(flavour, "badaddress", "1") as at:
        stepping.assert_the_end(at)
