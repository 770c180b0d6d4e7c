"""Real LLDBs, a fresh one for each test, with mtedbg loaded as a user loads it.

LLDB has no machine interface that runs its own commands; a few lines of Python inside it hand them
to its interpreter (`lldb_server.py`). A hung LLDB ends its test: every command has a time limit,
and LLDB's process group is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mtedbg.errors import ConnectionLostError
from mtedbg.lab import user
from mtedbg.shell.gdbmi import DebuggerError
from tests.support.compile import ROOT

LLDBINIT = ROOT / "lldbinit/mtedbg_lldb.py"
SERVER = Path(__file__).with_name("lldb_server.py")
LIMIT_S = 60.0

# The LLDB of the project's environment, and Debian 12's with the system's Python.
LLDBS = {
    "lldb23": str(Path(sys.executable).with_name("lldb")),
    "lldb19": "lldb-19",
}

# LLDB 23 loads the libraries of a process side by side, and two of its threads may then wait for
# each other for ever (ObjectFile::GetSectionList): seen in two of 11,000 cores on a busy machine.
ONE_BY_ONE = "settings set --exists target.parallel-module-load false"


class Session:
    """An LLDB that runs one command after the other.

    Args:
        program: LLDB.
        arguments: further words of its command line.
        limit_s: seconds that a command may take.
    """

    def __init__(
        self, program: str, arguments: Sequence[str | Path], limit_s: float = LIMIT_S
    ) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(limit_s)
        words = [program, "--no-lldbinit", "--one-line-before-file", ONE_BY_ONE]
        words += map(str, arguments)
        words += ["--one-line", f"command script import {SERVER}"]
        with theirs:
            self._process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=os.environ | {"MTEDBG_TEST_SOCKET": str(theirs.fileno())},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket = ours
        self._stream = ours.makefile("rw", encoding="utf-8")

    def execute(self, command: str, *, wait: bool = True) -> str:
        """Runs one LLDB command and returns what it printed.

        Args:
            command: one line.
            wait: whether a command that lets the program run ends when that stops.

        Raises:
            DebuggerError: LLDB refused it.
            ConnectionLostError: LLDB died, or the time limit passed.
        """
        try:
            self._stream.write(json.dumps({"command": command, "wait": wait}) + "\n")
            self._stream.flush()
            line = self._stream.readline()
        except OSError as error:
            raise ConnectionLostError(f"LLDB: {error}") from None
        if not line:
            raise ConnectionLostError(f"LLDB died of {command!r}")
        answer = json.loads(line)
        if not answer["succeeded"]:
            raise DebuggerError(answer["error"].removeprefix("error: "))
        return str(answer["output"])

    def error(self, command: str) -> str:
        """What LLDB complains of when it refuses `command`."""
        try:
            printed = self.execute(command)
        except DebuggerError as error:
            return str(error)
        raise AssertionError(f"{command!r} was not refused: {printed}")

    def json(self, command: str) -> dict[str, Any]:
        """The report that `command` gives with --json."""
        answer = json.loads(self.execute(f"{command} --json"))
        assert isinstance(answer, dict)
        return answer

    def rows(self, command: str) -> list[dict[str, Any]]:
        """The rows of the report that `command` gives."""
        rows = self.json(command)["rows"]
        assert isinstance(rows, list)
        return rows

    def number(self, expression: str) -> int:
        """What LLDB itself makes of an expression."""
        printed = self.execute(f"expression -f x -- (unsigned long) ({expression})")
        match = re.search(r"= (0x[0-9a-f]+)", printed)
        assert match, printed
        return int(match[1], 16)

    def python(self, expression: str) -> Any:
        """The value of a Python expression inside LLDB, by way of JSON."""
        return json.loads(self.execute(f"script import json; print(json.dumps({expression}))"))

    def completed(self, line: str) -> list[str]:
        """The words that LLDB offers for the end of `line`."""
        self.execute("script words = lldb.SBStringList()")
        ask = "lldb.debugger.GetCommandInterpreter().HandleCompletion"
        self.execute(f"script _ = {ask}({line!r}, {len(line)}, 0, -1, words)")
        found = self.python("[words.GetStringAtIndex(n) for n in range(words.GetSize())]")
        assert isinstance(found, list)
        return found[1:]  # before them, what all have in common

    def close(self) -> None:
        """Ends LLDB."""
        self._socket.close()
        assert self._process.stdin
        self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def lldb(
    flavour: str,
    arguments: Sequence[str | Path] = (),
    *,
    load: bool = True,
    limit_s: float = LIMIT_S,
) -> Iterator[Session]:
    """A fresh LLDB.

    Args:
        flavour: a key of `LLDBS`.
        arguments: further words of its command line: a program, or `-c` and a core.
        load: whether mtedbg is loaded into it.
        limit_s: seconds that a command may take.
    """
    session = Session(LLDBS[flavour], arguments, limit_s)
    try:
        if load:
            session.execute(f"command script import {LLDBINIT}")
        yield session
    finally:
        session.close()


def connect(session: Session, url: str) -> None:
    """Connects to a gdbserver; LLDB guesses no plug-in for a program of another machine."""
    session.execute(f"process connect --plugin gdb-remote {url}")


@contextlib.contextmanager
def under_qemu(
    flavour: str, program: Path, *arguments: str
) -> Iterator[tuple[Session, user.UserProgram]]:
    """An LLDB that has just met `program` before its first instruction, under QEMU's user mode."""
    with user.start([program, *arguments]) as process, lldb(flavour, [program]) as session:
        connect(session, f"unix-connect://{process.socket}")
        yield session, process
