"""`mte-step` and `mte-catch` in real LLDBs; `tests/support/stepping.py` has what they must show."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest

from mtedbg.lab import paths, user
from tests.support import stepping
from tests.support.lldb_session import LLDBS, Session, connect, lldb
from tests.support.stepping import Stepping

# LLDB's expressions would have the program call mmap, and the signal it stopped on be forgotten.
TARGET = "lldb.debugger.GetSelectedTarget()"
ADDRESS = f"{TARGET}.FindSymbols('{{symbol}}')[0].symbol.addr.GetLoadAddress({TARGET})"


def tag(session: Session, address: int) -> int:
    """By a packet that LLDB prints."""
    printed = session.execute(f"process plugin packet send qMemTags:{address:x},1:1")
    match = re.search(r"response: m0([0-9a-f])", printed)
    assert match, printed
    return int(match[1], 16)


def word(session: Session, address: int) -> int:
    """By LLDB's own reading of memory."""
    printed = session.execute(f"memory read --format x --size 4 --count 1 {address:#x}")
    return int(printed.split(":")[1], 16)


def breakpoints(session: Session) -> list[int]:
    printed = session.execute("breakpoint list --brief")
    return [int(number) for number in re.findall(r"^(\d+):", printed, re.MULTILINE)]


def pass_signals(session: Session, on: bool) -> None:
    flags = "--stop false --notify false --pass true" if on else "--stop true --pass false"
    session.execute(f"process handle {flags} SIGSEGV")


@contextlib.contextmanager
def guest(flavour: str, name: str, *arguments: str, options: str = "") -> Iterator[Stepping]:
    """A guest at its first fault, the signal not passed on yet."""
    runtime = paths.runtime()
    argv = [runtime, *options.split(), paths.guests() / f"{name}.elf", *arguments]
    with user.start(argv) as process, lldb(flavour, [runtime]) as session:
        connect(session, f"unix-connect://{process.socket}")
        assert session.error("mte-step").startswith("no runtime with a debug root")
        assert "stop reason = signal SIGSEGV" in session.execute("continue")
        yield Stepping(
            session,
            pc=lambda: session.python(f"{TARGET}.process.selected_thread.frames[0].pc"),
            symbol=lambda symbol: session.python(ADDRESS.format(symbol=symbol)),
            word=lambda address: word(session, address),
            tag=lambda address: tag(session, address),
            go_on=lambda: session.execute("continue"),
            pass_signals=lambda on: pass_signals(session, on),
            breakpoints=lambda: breakpoints(session),
            delete=lambda number: session.execute(f"breakpoint delete {number}"),
            break_at=lambda address: session.execute(f"breakpoint set --address {address:#x}"),
            settings=lambda: session.execute("process handle SIGSEGV"),
        )


@pytest.mark.parametrize("flavour", LLDBS)
def test_the_road_of_a_fault(flavour: str) -> None:
    with guest(flavour, "message", options="--cores 2 --data-start shared") as at:
        stepping.assert_the_road_of_a_fault(at)
        stepping.assert_a_retag_is_seen(at)


@pytest.mark.parametrize("flavour", LLDBS)
def test_filters(flavour: str) -> None:
    with guest(flavour, "stale", options="--policy seed --data-start shared") as at:
        stepping.assert_filters(at)


@pytest.mark.parametrize("flavour", LLDBS)
def test_what_comes_between(flavour: str) -> None:
    with guest(flavour, "message") as at:
        stepping.assert_what_comes_between(at)


@pytest.mark.parametrize("flavour", LLDBS)
def test_the_end(flavour: str) -> None:
    with guest(flavour, "badaddress", "1") as at:
        stepping.assert_the_end(at)
