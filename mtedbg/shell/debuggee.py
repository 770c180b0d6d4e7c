"""What is debugged: files, or a program that is started for it."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import tty
from collections.abc import Sequence
from pathlib import Path

from mtedbg.lab import native, paths, user
from mtedbg.shell.records import DebuggerError

# The program handles tag check faults; mtedbg stops on them first.
SHOW_FAULTS = ("handle SIGSEGV stop print pass",)
# What QEMU adds to the program's words when GDB ends it.
_KILLED = b"qemu-aarch64: QEMU: Terminated via GDBstub\n"
_CHUNK = 1 << 16


class Debuggee:
    """What is debugged.

    Attributes:
        words: for GDB's command line.
        settings: commands for a new GDB.
        sysroot: where the libraries of its process are; those that came with mtedbg where None.
        attaches: whether GDB may stay when it is started again.
        output: readable when the program has written something; None where it is not known.
        end: readable when the program has ended; None where only GDB knows.
    """

    words: Sequence[str | Path] = ()
    settings: Sequence[str] = ()
    sysroot: Path | None = None
    attaches = False
    output: int | None = None
    end: int | None = None

    def start(self) -> list[str]:
        """Starts it, once more where it was started; returns what makes GDB attach to it.

        Raises:
            MtedbgError: it cannot be started.
        """
        return []

    def read(self) -> bytes:
        """What the program has written, once `output` is readable."""
        assert self.output is not None
        with contextlib.suppress(BlockingIOError):
            return os.read(self.output, _CHUNK)
        return b""

    def interrupt(self) -> bool:
        """Stops the running program; False where GDB has to do that."""
        return False

    def why_ended(self) -> str:
        """How the program ended, in a few words; empty while it runs."""
        return ""

    def close(self) -> None:
        """Ends it, and gives everything back."""


class Files(Debuggee):
    """A program or a core file, or nothing yet.

    What a program writes that GDB starts itself comes through a terminal of its own: GDB's
    standard output is the machine interface.

    Args:
        words: for GDB's command line.
    """

    def __init__(self, words: Sequence[str | Path]) -> None:
        self.words = words
        self.output, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.settings: Sequence[str] = (f"set inferior-tty {os.ttyname(self._slave)}",)

    def close(self) -> None:
        """See `Debuggee`."""
        assert self.output is not None
        os.close(self.output)
        os.close(self._slave)


class NativeProgram(Files):
    """A program on this machine itself, which has memory tagging.

    Args:
        argv: an AArch64 program and its arguments.
    """

    sysroot = Path("/")

    def __init__(self, argv: Sequence[str | Path]) -> None:
        super().__init__(argv[:1])
        self.settings = (*self.settings, *native.gdb_settings(argv), *SHOW_FAULTS, "starti")


class UserProgram(Debuggee):
    """A program under user-mode QEMU.

    Args:
        argv: an AArch64 program and its arguments.
    """

    attaches = True
    settings = SHOW_FAULTS

    def __init__(self, argv: Sequence[str | Path]) -> None:
        self.words = argv[:1]
        self.sysroot = paths.sysroot(Path(argv[0])) or Path("/")
        self._argv = argv
        self._started = contextlib.ExitStack()
        self._running: user.UserProgram | None = None

    def start(self) -> list[str]:
        """See `Debuggee`."""
        self.close()
        self.output, write = os.pipe()
        self._started.callback(os.close, self.output)
        os.set_blocking(self.output, False)
        with os.fdopen(write, "wb") as sink:
            try:
                self._running = self._started.enter_context(user.start(self._argv, output=sink))
            except Exception as error:
                sink.flush()
                said = self.read().decode(errors="replace").strip()
                raise DebuggerError(f"{error}: {said}" if said else str(error)) from error
        self.end = os.pidfd_open(self._running.process.pid)
        self._started.callback(os.close, self.end)
        return [f"target remote {self._running.socket}"]

    def read(self) -> bytes:
        """See `Debuggee`."""
        return super().read().replace(_KILLED, b"")

    def interrupt(self) -> bool:
        """QEMU's stub does not listen while the program runs; a signal reaches it.

        Of those that it catches (QEMU 10.0) SIGTRAP is the one that GDB does not pass on.
        """
        if self._running is None or self._running.process.poll() is not None:
            return False
        self._running.process.send_signal(signal.SIGTRAP)
        return True

    def why_ended(self) -> str:
        """See `Debuggee`."""
        status = self._running.process.poll() if self._running else None
        return "" if status is None else f"QEMU {how_ended(status)}"

    def close(self) -> None:
        """See `Debuggee`."""
        self._started.close()
        self._running = self.output = self.end = None


def how_ended(status: int) -> str:
    """A process's end in words.

    Args:
        status: its exit status, negative for a signal.
    """
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
