"""A GDB driven over its machine interface.

A response ends at the result record that bears the command's own token, never at a time-out
(GDB manual, "GDB/MI Output Syntax"). The time limit is only for a debugger that hangs.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from pygdbmi import gdbmiparser

from mtedbg.errors import ConnectionLostError, MtedbgError, ToolMissingError


class DebuggerError(MtedbgError):
    """The debugger answered a command with an error."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the program stopped.

    Attributes:
        reason: MI's word, "signal-received", "breakpoint-hit", "exited-normally"…
        signal: the signal's name where it was one, or empty.
        output: what was printed from the command to the stop.
    """

    reason: str
    signal: str
    output: str

    @property
    def exited(self) -> bool:
        """Whether the program is gone."""
        return self.reason.startswith("exited")


class Gdb:
    """One GDB process.

    Args:
        argv: the program and its options, without the interpreter's.
        limit_s: how long one command may take, in seconds.

    Raises:
        ToolMissingError: there is no such program.
    """

    def __init__(self, argv: Sequence[str | Path], *, limit_s: float = 60.0) -> None:
        self._limit_s = limit_s
        self._tokens = count(1)
        self._pending = b""
        words = [str(word) for word in argv]
        try:
            self._process = subprocess.Popen(
                [*words, "--interpreter=mi3", "-q"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ToolMissingError(
                f"cannot start {words[0]}: {error.strerror}", "see `mtedbg doctor`"
            ) from None
        assert self._process.stdin
        assert self._process.stdout
        self._input = self._process.stdin
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)
        self._fd = self._process.stdout.fileno()
        # Its answer ends what GDB says at its start.
        self.execute("set pagination off")
        self.execute("set confirm off")

    def __enter__(self) -> Gdb:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def execute(self, command: str) -> str:
        """Runs one GDB command and returns what it printed.

        Raises:
            DebuggerError: GDB refused it.
            ConnectionLostError: GDB died, or the time limit passed.
        """
        printed, _ = self._converse(command, until_stop=False)
        return printed

    def resume(self, command: str) -> Stop:
        """Runs a command that lets the program go on, and waits until it stops again.

        Raises:
            DebuggerError: GDB refused it.
            ConnectionLostError: GDB died, or the time limit passed.
        """
        printed, stop = self._converse(command, until_stop=True)
        return Stop(stop.get("reason", ""), stop.get("signal-name", ""), printed)

    def _converse(self, command: str, *, until_stop: bool) -> tuple[str, dict[str, Any]]:
        """Sends `command`; returns what was printed and the last stop's payload."""
        token = next(self._tokens)
        quoted = command.replace("\\", "\\\\").replace('"', '\\"')
        self._send(f'{token}-interpreter-exec console "{quoted}"\n')
        printed: list[str] = []
        stop: dict[str, Any] = {}
        answered = stopped = False
        deadline = time.monotonic() + self._limit_s
        while not answered or (until_stop and not stopped):
            record = self._record(deadline)
            if record["type"] == "console":
                printed.append(record["payload"] or "")
            elif record["type"] == "notify" and record["message"] == "stopped":
                stop, stopped = record["payload"] or {}, True
            elif record["type"] == "result" and record["token"] == token:
                if record["message"] == "error":
                    raise DebuggerError((record["payload"] or {}).get("msg", "unknown error"))
                answered = True
        return "".join(printed), stop

    def close(self) -> None:
        """Ends GDB and whatever it started."""
        if self._process.poll() is None:
            try:
                self._send("-gdb-exit\n")
                self._process.wait(timeout=5)
            except (ConnectionLostError, subprocess.TimeoutExpired):
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._selector.close()
        self._input.close()
        assert self._process.stdout
        self._process.stdout.close()

    def _send(self, text: str) -> None:
        try:
            self._input.write(text.encode())
            self._input.flush()
        except OSError:
            raise ConnectionLostError("the debugger has died", "start it again") from None

    def _record(self, deadline: float) -> dict[str, Any]:
        """The next record of GDB's output."""
        while b"\n" not in self._pending:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise ConnectionLostError(
                    f"the debugger did not answer within {self._limit_s:.0f} s",
                    "the program may run on: interrupt it, or raise the limit",
                )
            chunk = os.read(self._fd, 65536)
            if not chunk:
                raise ConnectionLostError("the debugger has died", "start it again")
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        record: dict[str, Any] = gdbmiparser.parse_response(line.decode(errors="replace"))
        return record
