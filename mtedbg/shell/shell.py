"""One command after the other, for a person or a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mtedbg.errors import ConnectionLostError, MtedbgError
from mtedbg.shell import script
from mtedbg.shell.debugger import RESTART, Debugger
from mtedbg.shell.records import Command, Stop, quoted
from mtedbg.shell.repeat import repeated
from mtedbg.shell.screen import Screen

OWN_COMMANDS = {"restart": "Start the program again, and the debugger where it is gone."}

PATIENCE_S = 0.3
"""How long a prompt waits for the stop context; a later one is printed above the prompt."""

_TELL = "python from mtedbg.adapters.gdb import stop_context; stop_context.tell()"
_TOLD = '{"schema": "mtedbg/moment/'


class Shell:
    """Runs commands.

    Args:
        debugger: what runs them.
        screen: where everything is printed.
        patience: seconds that what follows waits for the stop context; None as long as it takes.
        context: whether it is printed.

    Attributes:
        stop_context: where the selected thread stands, an object of `reports.stop_context`.
        changed: called when `stop_context` has changed.
        leaving: the status to leave with, once the debugger has quit.
    """

    def __init__(
        self,
        debugger: Debugger,
        screen: Screen,
        patience: float | None = PATIENCE_S,
        *,
        context: bool = True,
    ) -> None:
        self._debugger = debugger
        self._screen = screen
        self._patience = patience
        self._context = context
        self._last = ""
        self._commanding = False
        self.stop_context: Mapping[str, Any] = {"error": "no program"}
        self.changed: Callable[[], object] = lambda: None
        self.leaving: int | None = None
        debugger.on_stop = self._stopped
        debugger.on_loss = self._lost

    async def run(self, line: str) -> bool:
        """Runs one command, of one line or of several; an empty one repeats the last, as in GDB.

        Returns:
            Whether it went well.
        """
        line = line.strip() or repeated(self._last)
        if not line or line.startswith("#"):
            return True
        self._last = line
        try:
            if line == "restart":
                return await self._restart()
            if outside := script.outside(line):
                return await self._outside(outside)
            if refused := script.refused(line):
                raise refused
            with script.sent(line) as (command, readable):
                return await self._command(command, readable)
        except MtedbgError as error:
            self._screen.trouble(error)
            return False

    async def _command(self, line: str, readable: Callable[[str], str]) -> bool:
        gdb = self._debugger.gdb
        self._commanding = True
        try:
            command = gdb.begin(line)
            command.on_output = self._screen.write
            with self._interruptible():
                await _end_of(command)
        finally:
            self._commanding = False
        if command.lost:
            return self.leaving is not None
        if command.error is not None:
            self._screen.error(script.with_advice(readable(command.error)))
        if command.stop:
            await self.look(show=True)
        else:
            self._debugger.later(self._look(show=False))
        return command.error is None

    async def complete(self, line: str) -> list[str]:
        """GDB's completions of `line`: whole lines; nothing while the program runs."""
        if not self._debugger.alive or self._debugger.gdb.running:
            return []
        found: list[str] = []
        with contextlib.suppress(ConnectionLostError):
            command = self._debugger.gdb.begin(f"-complete {quoted(line)}", machine=True)
            await _end_of(command)
            matches = command.payload.get("matches", [])
            found = [str(match) for match in matches] if isinstance(matches, list) else []
        return found

    async def _outside(self, line: str) -> bool:
        """Runs a command of the system's shell with the terminal, in GDB's folder."""
        folder = f"/proc/{self._debugger.gdb.pid}/cwd" if self._debugger.alive else None
        process = await asyncio.create_subprocess_exec("/bin/sh", "-c", line, cwd=folder)
        with self._interruptible(lambda: None):  # the process has got it as well
            return await process.wait() == 0

    async def _restart(self) -> bool:
        self._debugger.unwatch()
        try:
            self._debugger.restart()
        except KeyboardInterrupt:
            raise ConnectionLostError("interrupted", RESTART) from None
        finally:
            self._debugger.watch()
        await self.look(show=True)
        return True

    @contextlib.contextmanager
    def _interruptible(self, act: Callable[[], None] | None = None) -> Iterator[None]:
        """Ctrl-C goes to the program, not to mtedbg."""
        pressed = 0

        def press() -> None:
            nonlocal pressed
            pressed += 1
            self._debugger.interrupt(first=pressed == 1)

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, act or press)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    # What is shown

    async def look(self, *, show: bool) -> None:
        """Finds out where the selected thread stands; in the background where that takes long.

        Args:
            show: whether the context is printed.
        """
        self._screen.guest_so_far()
        await asyncio.wait({self._debugger.later(self._look(show=show))}, timeout=self._patience)

    async def _look(self, *, show: bool) -> None:
        with contextlib.suppress(ConnectionLostError):  # reported elsewhere
            await self._ask_where(show=show)

    async def _ask_where(self, *, show: bool) -> None:
        said: list[str] = []
        command = self._debugger.gdb.begin(_TELL)
        command.on_output = said.append
        await _end_of(command)
        for line in "".join(said).splitlines(keepends=True):
            if line.startswith(_TOLD):
                self._set(json.loads(line))
            else:  # of the program, or of a stop in the background
                self._screen.write(line)
        if show and self._context and self.stop_context.get("context"):
            self._screen.write(str(self.stop_context["context"]))

    def _set(self, stop_context: Mapping[str, Any]) -> None:
        self.stop_context = stop_context
        self.changed()

    def _stopped(self, _stop: Stop) -> None:
        if not self._commanding:  # in the background
            self._debugger.later(self._look(show=True))

    def _lost(self, error: MtedbgError) -> None:
        status = self._debugger.status
        if self._commanding and status is not None and status >= 0:
            self.leaving = status  # by `quit`
            return
        self._screen.trouble(error)
        self._set({"error": error.message})


async def _end_of(command: Command) -> None:
    """Waits until GDB is done with `command`, or gone."""
    done = asyncio.get_running_loop().create_future()
    command.on_end = lambda: None if done.done() else done.set_result(None)
    if not command.ended:
        await done
