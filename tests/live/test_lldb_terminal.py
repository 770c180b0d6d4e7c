"""LLDB at a real terminal: colour for people alone, and Ctrl-C."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtedbg.lab import paths, user
from tests.support.compile import compiled
from tests.support.lldb_session import LLDBINIT, LLDBS, ONE_BY_ONE

LIMIT_S = 60.0
SIZE = struct.pack("HHHH", 40, 120, 0, 0)
GREEN = "\x1b[32m"


class Terminal:
    """What a person sees and types."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def until(self, wanted: str) -> str:
        """What is shown up to `wanted`."""
        shown = ""
        deadline = time.monotonic() + LIMIT_S
        while wanted not in shown:
            assert select.select([self._descriptor], [], [], deadline - time.monotonic())[0], shown
            shown += os.read(self._descriptor, 65536).decode(errors="replace")
        return shown

    def run(self, line: str) -> str:
        """What a command shows: up to a mark that is not in what was typed."""
        self.type(f"{line}\nscript print('the' + ' end')\n")
        return self.until("the end")


@contextlib.contextmanager
def lldb(flavour: str, socket: Path, program: Path) -> Iterator[Terminal]:
    """LLDB at a terminal that has a size (else it takes it for none), connected to QEMU."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, SIZE)
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(
        [LLDBS[flavour], "--no-lldbinit", "-O", ONE_BY_ONE, str(program)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": "xterm-256color"},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
    )
    os.close(theirs)
    try:
        terminal = Terminal(ours)
        terminal.run("script lldb.debugger.SetAsync(False)")  # `continue` ends with the stop
        terminal.run("settings set show-statusline false")
        terminal.run(f"command script import {LLDBINIT}")
        terminal.run(f"process connect --plugin gdb-remote unix-connect://{socket}")
        yield terminal
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize("flavour", LLDBS)
def test_colour_is_for_people(flavour: str) -> None:
    program = compiled("gdb_target", "-static")
    with user.start([program]) as process, lldb(flavour, process.socket, program) as terminal:
        terminal.run("breakpoint set --name checkpoint")
        terminal.run("continue")
        assert GREEN in terminal.run("mte-tags wrong")
        assert GREEN not in terminal.run("mte-tags wrong --no-color")
        terminal.run("script result = lldb.SBCommandReturnObject()")
        ask = "lldb.debugger.GetCommandInterpreter().HandleCommand"
        terminal.run(f"script _ = {ask}('mte-tags wrong', result)")
        shown = terminal.run("script print(repr(result.GetOutput()))")
        assert "mismatch" in shown
        assert "x1b[" not in shown


@pytest.mark.parametrize("flavour", LLDBS)
def test_ctrl_c_ends_the_command_and_not_the_session(flavour: str) -> None:
    argv = [paths.runtime(), paths.guests() / "message.elf", "1"]
    with user.start(argv) as process, lldb(flavour, process.socket, argv[0]) as terminal:
        assert "SIGSEGV" in terminal.run("continue")
        # The runtime's arena is megabytes: granule by granule that takes many seconds.
        terminal.run("log enable gdb-remote packets")
        terminal.type("mte-regions --all\n")
        terminal.until("send packet: $qMemTags")
        terminal.type("\x03")
        assert "interrupted" in terminal.until("Interrupted.")
        assert "synchronous" in terminal.run("mte-fault")
