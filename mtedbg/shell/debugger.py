"""GDB and what it is pointed at: started, watched, interrupted, started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from mtedbg.dataclass import dataclass
from mtedbg.errors import ConnectionLostError, MtedbgError, ToolMissingError
from mtedbg.lab import paths
from mtedbg.shell.debuggee import Debuggee, how_ended
from mtedbg.shell.gdbmi import Gdb
from mtedbg.shell.records import DebuggerError, Listener, Stop
from mtedbg.shell.screen import Screen
from mtedbg.shell.script import advised

START_LIMIT_S = 300.0
GRACE_S = 1.0
"""How long GDB may take to notice that its program is gone."""

GIVE_UP = 4
"""Interrupts of one command at which GDB is ended; at its own second one it gives a server up."""

RESTART = "type restart to start it again"
_COLOR = "python from mtedbg.adapters.gdb import output; output.shown_by_front_end(color={})"


@dataclass(frozen=True, slots=True)
class Options:
    """How GDB is started.

    Attributes:
        gdb: the program.
        scripts: files of GDB commands to run at first.
        quiet: whether what GDB says at its start is left out.
    """

    gdb: Path
    scripts: Sequence[Path] = ()
    quiet: bool = False


class Debugger(Listener):
    """GDB with its program.

    Args:
        options: how GDB is started.
        debuggee: what it is pointed at.
        screen: where is printed what happens by itself.

    Attributes:
        on_stop: called when the program has stopped.
        on_loss: called when GDB or the program is gone, with what to say about it.
    """

    def __init__(self, options: Options, debuggee: Debuggee, screen: Screen) -> None:
        self._options = options
        self._debuggee = debuggee
        self._screen = screen
        self._gdb: Gdb | None = None
        self._watched: list[int] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._exited = asyncio.Event()
        self._interrupts = 0
        self.on_stop: Callable[[Stop], None] = lambda _: None
        self.on_loss: Callable[[MtedbgError], None] = lambda _: None

    @property
    def gdb(self) -> Gdb:
        """The debugger.

        Raises:
            ConnectionLostError: it is not there.
        """
        if self._gdb is None or self._gdb.status is not None:
            raise ConnectionLostError("the debugger has ended", RESTART)
        return self._gdb

    @property
    def alive(self) -> bool:
        """Whether there is a debugger."""
        return self._gdb is not None and self._gdb.status is None

    @property
    def status(self) -> int | None:
        """The debugger's exit status, negative for a signal, once it has one."""
        return self._gdb.status if self._gdb else None

    def start(self) -> None:
        """Starts the debugger, where it does not run, and what it is pointed at.

        Raises:
            MtedbgError: one of them cannot be started, or they do not come together.
        """
        lines = self._debuggee.start()
        if not self.alive:
            self._gdb = Gdb(self._argv(), limit_s=START_LIMIT_S, listener=self)
            self._load(self._gdb)
            lines += self._debuggee.settings
            lines += [f"source {path}" for path in self._options.scripts]
        for line in lines:
            self.printed(advised(self.gdb.execute, line))
        self._exited.clear()

    def _argv(self) -> list[str | Path]:
        # GDB asks about debuginfod in the middle of things; a user's gdbinit may turn it on. One in
        # the current folder may be a stranger's, like the core.
        early = (
            "debuginfod enabled off",
            f"sysroot {self._debuggee.sysroot or paths.sysroot() or '/'}",
            "auto-load local-gdbinit off",
        )
        words: list[str | Path] = [self._options.gdb]
        for line in early:
            words += ["-iex", f"set {line}"]
        return [*words, *self._debuggee.words]

    def _load(self, gdb: Gdb) -> None:
        try:
            self.printed(gdb.execute(f"source {paths.gdbinit()}"))
        except DebuggerError as error:
            raise ToolMissingError(
                f"{self._options.gdb} does not load mtedbg: {error.message}",
                "use a GDB with Python: see `mtedbg doctor`",
            ) from None
        gdb.execute(_COLOR.format(self._screen.color))

    def restart(self) -> None:
        """Starts the program again; GDB only where it is gone, hangs, or has to do that itself.

        Raises:
            MtedbgError: as from `start`.
            KeyboardInterrupt: the user did not want to wait.
        """
        gdb = self._gdb if self.alive and self._debuggee.attaches else None
        # One that takes the program for running may wait for a dead server.
        if gdb and not gdb.busy and not gdb.running:
            with contextlib.suppress(DebuggerError):  # the connection may be gone
                gdb.execute("disconnect")
        else:
            self._end_gdb()
        try:
            self.start()
        except BaseException:
            self._end_gdb()
            raise

    def close(self) -> None:
        """Ends the debugger and what was started for it."""
        self._end_gdb()
        self._debuggee.close()

    def _end_gdb(self) -> None:
        gdb, self._gdb = self._gdb, None
        if gdb:
            gdb.close()

    # While a loop runs

    def watch(self) -> None:
        """Begins to hear of everything that happens."""
        ends = (
            (self._gdb.output if self.alive and self._gdb else None, self._pump),
            (self._debuggee.output, self._read),
            (self._debuggee.end, self._ended),
        )
        for end, react in ends:
            if end is not None:
                asyncio.get_running_loop().add_reader(end, react)
                self._watched.append(end)

    def unwatch(self) -> None:
        """Ends that."""
        for end in self._watched:
            asyncio.get_running_loop().remove_reader(end)
        self._watched.clear()
        for task in self._tasks:
            task.cancel()

    def later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Does `work` in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def interrupt(self, *, first: bool = False) -> None:
        """Stops the program, or the command that GDB is at; harder from time to time.

        Args:
            first: whether nothing was done about this command yet.
        """
        if not self.alive:
            return
        if not self.gdb.busy:
            if self.gdb.running and not self._debuggee.interrupt():  # in the background
                self.gdb.begin("interrupt")
            return
        self._interrupts = 1 if first else self._interrupts + 1
        if self._interrupts >= GIVE_UP:
            os.killpg(self.gdb.pid, signal.SIGKILL)
        elif self._interrupts > 1 or not (self.gdb.running and self._debuggee.interrupt()):
            if self._interrupts == GIVE_UP - 1:
                self._screen.remark("(the program does not stop; Ctrl-C again ends the debugger)")
            self.gdb.interrupt()

    def _pump(self) -> None:
        assert self._gdb
        if not self._gdb.pump():
            asyncio.get_running_loop().remove_reader(self._gdb.output)
            self._watched.remove(self._gdb.output)

    def _read(self) -> None:
        output = self._debuggee.output
        assert output is not None
        try:
            data = self._debuggee.read()
        except OSError:
            data = b""
        if data:
            self._screen.guest(data)
        else:
            asyncio.get_running_loop().remove_reader(output)

    def _ended(self) -> None:
        assert self._debuggee.end is not None
        asyncio.get_running_loop().remove_reader(self._debuggee.end)
        self.later(self._after_the_end())

    async def _after_the_end(self) -> None:
        """Says that the program is gone, unless GDB knows; makes GDB give it up."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._exited.wait(), GRACE_S)
            return
        self._screen.guest_so_far()
        self.on_loss(ConnectionLostError(self._debuggee.why_ended(), RESTART))
        for _ in range(GIVE_UP):  # GDB 18 may wait for a dead server for ever
            if not (self.alive and self.gdb.busy and self.gdb.running):
                return
            self.interrupt()
            await asyncio.sleep(GRACE_S)

    def printed(self, text: str) -> None:
        """See `Listener`."""
        if self._watched or not self._options.quiet:
            self._screen.write(text)

    def stopped(self, stop: Stop) -> None:
        """See `Listener`."""
        if stop.exited:
            self._exited.set()
        if self._watched:
            self.on_stop(stop)

    def died(self) -> None:
        """See `Listener`."""
        if self._watched and self._gdb:
            status = self._gdb.status or 0
            self.on_loss(MtedbgError(f"GDB {how_ended(status)}", RESTART))
