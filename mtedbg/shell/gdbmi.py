"""A GDB driven over its machine interface.

A command ends by tokens, never by a time-out. Its own result record does not end it: a command that
lets the program run is answered at once, and may go on after the stop (a user's own command does).
So a second command that does nothing follows each: GDB reads it only when it is done with the
first, and its result is the end (GDB manual, "GDB/MI Output Syntax").
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from mtedbg.errors import ConnectionLostError, ToolMissingError
from mtedbg.shell.records import (
    Command,
    DebuggerError,
    Listener,
    Record,
    Stop,
    parsed,
    plain,
    quoted,
)

__all__ = ["Command", "DebuggerError", "Gdb", "Listener", "Stop"]

MAX_RECORD = 64 << 20
"""Bytes of one record: a longer one is not a valid answer."""

# Small, harmless, and not the user's to redefine.
_NOTHING = "-environment-pwd"


class Gdb:
    """One GDB process.

    Args:
        argv: the program and its options, without the interpreter's.
        limit_s: how long one command may take that is waited for, in seconds.
        listener: who hears of what belongs to no command.

    Attributes:
        running: whether the program runs.
        output: the file descriptor to watch; `pump` when it is readable.

    Raises:
        ToolMissingError: there is no such program.
        ConnectionLostError: it ends at once.
    """

    def __init__(
        self, argv: Sequence[str | Path], *, limit_s: float = 60.0, listener: Listener | None = None
    ) -> None:
        self._limit_s = limit_s
        self._tokens = count(1)
        self._pending = bytearray()
        self._held: list[str] = []
        self._commands: list[Command] = []
        self._listener = listener or Listener()
        self.running = False
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
        self.output = self._process.stdout.fileno()
        # Its answer ends what GDB says at its start.
        first = self.begin("set pagination off")
        first.on_output = self._listener.printed
        self._wait(first)
        self.execute("set confirm off")

    def __enter__(self) -> Gdb:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """GDB's process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal, or None while it lives."""
        return self._process.poll()

    @property
    def busy(self) -> bool:
        """Whether a command has not ended yet."""
        return bool(self._commands)

    def execute(self, command: str) -> str:
        """Runs one GDB command and returns what it printed.

        Raises:
            DebuggerError: GDB refused it.
            ConnectionLostError: GDB died, or the time limit passed.
        """
        return self._wait(self.begin(command)).printed

    def resume(self, command: str) -> Stop:
        """Runs a command that lets the program go on, and waits until it stops again.

        Raises:
            DebuggerError: GDB refused it, or lost the program.
            ConnectionLostError: GDB died, or the time limit passed.
        """
        done = self._wait(self.begin(command))
        if done.stop is None:
            raise DebuggerError(done.warning or "the program did not stop")
        return done.stop

    def begin(self, command: str, *, machine: bool = False) -> Command:
        """Sends a command without waiting for its end.

        Args:
            command: as a user types it; it may have several lines.
            machine: whether it is a command of the machine interface, "-complete …".
        """
        begun = Command(next(self._tokens), next(self._tokens))
        line = command if machine else f"-interpreter-exec console {quoted(command)}"
        self._send(f"{begun.token}{line}\n{begun.last}{_NOTHING}\n")
        self._commands.append(begun)
        return begun

    def interrupt(self) -> None:
        """Stops what GDB does: it passes that on to a program that it waits for."""
        if self.status is None:
            os.kill(self.pid, signal.SIGINT)

    def close(self) -> None:
        """Ends GDB and whatever it started."""
        if self.status is None:
            try:
                self._send("-gdb-exit\n")
                self._process.wait(timeout=0.5 if self.busy else 5)
            except (ConnectionLostError, subprocess.TimeoutExpired):
                os.killpg(self.pid, signal.SIGKILL)
                self._process.wait()
        self._selector.close()
        self._input.close()
        assert self._process.stdout
        self._process.stdout.close()

    def pump(self) -> bool:
        """Reads what GDB has written, waiting if necessary; False when GDB has ended."""
        chunk = os.read(self.output, 1 << 16)
        self._pending += chunk
        if b"\n" in chunk:
            *lines, self._pending = self._pending.split(b"\n")
            for line in lines:
                self._take(parsed(bytes(line)))
        if chunk and len(self._pending) <= MAX_RECORD:
            return True
        self._bury()
        while self._commands:
            self._commands[0].lost = True
            self._end(self._commands[0])
        self._listener.died()
        return False

    def _bury(self) -> None:
        """Ends a GDB that has closed its output, or that does not end by itself."""
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self.running = False

    def _wait(self, command: Command) -> Command:
        deadline = time.monotonic() + self._limit_s
        while not command.ended:
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                raise ConnectionLostError(
                    f"the debugger did not answer within {self._limit_s:.0f} s",
                    "the program may still be running: interrupt it, or raise the limit",
                )
            self.pump()
        if command.lost:
            raise ConnectionLostError("the debugger has died", "start it again")
        if command.error is not None:
            raise DebuggerError(command.error)
        return command

    def _take(self, record: Record) -> None:
        """Gives one record to the command that it belongs to."""
        kind, message, payload = record["type"], record["message"], record["payload"]
        if kind == "log":  # an error comes here as well: it is shown once
            self._held.append(payload or "")
            return
        command = self._commands[0] if self._commands else None
        if kind == "result" and message == "error" and command and record["token"] == command.token:
            self._fail(command, plain((payload or {}).get("msg", "unknown error")))
        self._say_held(command)
        if kind in ("console", "target", "output"):
            self._say(command, payload or "" if kind != "output" else f"{payload}\n", kind)
        elif kind == "notify":
            self._notice(command, message, payload or {})
        elif kind == "result" and command and record["token"] == command.last:
            self._end(command)
        elif kind == "result" and command and record["token"] == command.token:
            command.payload = payload or {}

    def _fail(self, command: Command, error: str) -> None:
        command.error = error
        said = "".join(self._held).rstrip("\n")
        if said.endswith(error):
            # GDB 18 has a sign before an error.
            before = said.removesuffix(error).rpartition("\n")
            self._held = [before[0] + before[1]]

    def _say_held(self, command: Command | None) -> None:
        held, self._held = "".join(self._held), []
        if held:
            self._say(command, held, "log")

    def _say(self, command: Command | None, text: str, kind: str) -> None:
        if command is None:
            self._listener.printed(text)
            return
        if kind == "console":
            command.pieces.append(text)
        elif kind == "log":
            command.warning = text.strip() or command.warning
        command.on_output(text)

    def _notice(self, command: Command | None, what: str, payload: dict[str, Any]) -> None:
        if what == "running":
            self.running = True
        elif what == "thread-group-exited":
            self.running = False
        elif what == "stopped":
            self.running = False
            stop = Stop(payload.get("reason", ""), payload.get("signal-name", ""))
            if command:
                command.stop = stop
            self._listener.stopped(stop)

    def _end(self, command: Command) -> None:
        self._commands.remove(command)
        command.ended = True
        if command.stop:
            command.stop = Stop(command.stop.reason, command.stop.signal, command.printed)
        command.on_end()

    def _send(self, text: str) -> None:
        try:
            self._input.write(text.encode(errors="replace"))
            self._input.flush()
        except (OSError, ValueError):
            raise ConnectionLostError("the debugger has died", "start it again") from None
