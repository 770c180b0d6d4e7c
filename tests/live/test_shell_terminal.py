"""`mtedbg run` and `mtedbg shell` as a person meets them, at a real terminal."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.cases import unpacked
from tests.support.compile import compiled
from tests.support.terminal import CTRL_C, CTRL_D, ENTER, TAB, Terminal, at_a_terminal

MTEDBG = [sys.executable, "-m", "mtedbg"]
SHARED_DATA = ("--data-start", "shared")
PROMPT = r"\(mtedbg\) "


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """No settings of this machine's user."""
    return {
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


@pytest.fixture
def ticker(home: dict[str, str]) -> Iterator[Terminal]:
    """A program that runs for ever, stopped before its first instruction."""
    program = compiled("ticker", "-static")
    with at_a_terminal([*MTEDBG, "run", str(program)], home) as terminal:
        terminal.until("remote, tags: qMemTags")
        yield terminal


def child(terminal: Terminal, word: str) -> int:
    """The process that the shell has started with `word` on its command line."""
    own = terminal.process.pid
    children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    lines = {pid: Path(f"/proc/{pid}/cmdline").read_text().split("\0") for pid in children}
    (found,) = [pid for pid, words in lines.items() if any(each.endswith(word) for each in words)]
    return int(found)


def leave(terminal: Terminal) -> int:
    terminal.until(PROMPT)
    terminal.type(CTRL_D)
    return terminal.status()


def test_a_guest_from_its_start_to_its_first_fault(home: dict[str, str], tmp_path: Path) -> None:
    with at_a_terminal([*MTEDBG, "run", "message", "--", *SHARED_DATA], home) as terminal:
        terminal.until(PROMPT)
        terminal.type(f"continue{ENTER}")
        terminal.until("received signal SIGSEGV")
        context = terminal.until(r"local → shared")
        assert "tag check fault (synchronous): store of 8 bytes" in context
        assert "=> 0x" in terminal.until(r"memop \d+: 8-byte store")
        bar = terminal.until("remote, tags: qMemTags")
        assert "core: frame 1, register 1, kernel -" in bar
        assert re.search(r"block \d+\+0x", bar)
        terminal.type(f"mte-ch{TAB}")
        terminal.until("mte-check")
        terminal.type(f" $x16{ENTER}")
        assert terminal.until("mismatch")
        terminal.until(PROMPT)
        terminal.type(f"mte-tags $x16 --r{TAB}")
        terminal.until("uns")
        terminal.type(ENTER)
        terminal.until(r"start +end +tag +owner")
        assert leave(terminal) == 0
    assert "\x1b[1;31m" in terminal.seen, "the tag that does not match is red"
    assert "Traceback" not in terminal.seen
    assert "+mte-check $x16" in (tmp_path / "state/mtedbg/history").read_text().splitlines()


def test_ctrl_c_stops_the_program_and_not_the_shell(ticker: Terminal) -> None:
    ticker.type(f"continue{ENTER}")
    ticker.until(r"guest\| tick 1")
    ticker.type(CTRL_C)
    assert "SIGTRAP" in ticker.until(PROMPT)
    ticker.type(f"p tur{TAB}")
    ticker.until("ns")  # what was missing
    ticker.type(f" >= 0{ENTER}")
    ticker.until(r"\$1 = 1")
    ticker.type(f"continue &{ENTER}")
    ticker.until("the program is running")
    ticker.type(CTRL_C)
    ticker.until("SIGTRAP")
    ticker.type("p 40")
    ticker.type(CTRL_C)
    ticker.type(f"p 41+1{ENTER}")
    ticker.until(r"= 42")
    assert leave(ticker) == 0


def test_ctrl_c_ends_a_command_of_gdb(ticker: Terminal) -> None:
    ticker.type(f"python print('sleep' + 'ing'); import time; time.sleep(60){ENTER}")
    ticker.until("sleeping")
    ticker.type(CTRL_C)
    ticker.until(PROMPT)
    ticker.type(f"p 41+1{ENTER}")
    ticker.until(r"= 42")


def test_a_qemu_that_dies_is_reported_and_started_again(ticker: Terminal) -> None:
    ticker.type(f"continue{ENTER}")
    ticker.until(r"guest\| tick 1")
    os.kill(child(ticker, "qemu-aarch64"), signal.SIGKILL)
    ticker.until("mtedbg: QEMU was killed by SIGKILL")
    ticker.until("restart")
    ticker.until(PROMPT)
    ticker.type(f"break main{ENTER}")
    ticker.until(PROMPT)
    ticker.type(f"restart{ENTER}")
    ticker.until("_start")
    ticker.until(PROMPT)
    ticker.type(f"continue{ENTER}")
    ticker.until("Breakpoint 1, main")


def test_a_gdb_that_dies_is_reported_and_started_again(ticker: Terminal) -> None:
    os.kill(child(ticker, "--interpreter=mi3"), signal.SIGKILL)
    ticker.until("mtedbg: GDB was killed by SIGKILL")
    ticker.type(f"p 1{ENTER}")
    ticker.until("the debugger has ended")
    ticker.until("restart")
    for _ in range(2):  # at the prompt, and while the program runs
        ticker.type(f"restart{ENTER}")
        ticker.until("remote, tags: qMemTags")
        ticker.type(f"continue{ENTER}")
        ticker.until(r"guest\| tick 1")
        os.kill(child(ticker, "--interpreter=mi3"), signal.SIGKILL)
        ticker.until("mtedbg: GDB was killed by SIGKILL")
    assert leave(ticker) == 0


def test_a_core_blocks_of_lines_and_an_empty_line(home: dict[str, str], tmp_path: Path) -> None:
    core = unpacked("runtime-lockstep", tmp_path)
    with at_a_terminal([*MTEDBG, "shell", "--core", str(core)], home) as terminal:
        assert "tag check fault" in terminal.until("│  core")
        terminal.type(f"define twice{ENTER}print 20+1{ENTER}print $*2{ENTER}end{ENTER}")
        terminal.until(PROMPT)
        terminal.type(f"twice{ENTER}")
        assert terminal.until(r"\$2 = 42")
        terminal.type(f"python{ENTER}for i in range(2):{ENTER}  print('row', i){ENTER}end{ENTER}")
        terminal.until("row 0\r*\nrow 1")
        terminal.type(f"x/i $pc{ENTER}")
        terminal.until(r"=> 0x\w+:")
        terminal.type(ENTER)
        terminal.until(r"   0x\w+:")
        terminal.type(f"memop {TAB}")
        terminal.until(r"\b1\b")
        terminal.type(CTRL_C)
        terminal.type(f"!echo $((6*7)){ENTER}")
        terminal.until("42")
        terminal.type(f"quit 3{ENTER}")
        assert terminal.status() == 3
    assert "Traceback" not in terminal.seen
