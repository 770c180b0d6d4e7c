"""Opens the shell: for a person at a terminal, or for a script."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from mtedbg.errors import FileFormatError
from mtedbg.shell.debuggee import Debuggee
from mtedbg.shell.debugger import Debugger, Options
from mtedbg.shell.piped import obey
from mtedbg.shell.prompt import Prompt, interact
from mtedbg.shell.screen import Screen
from mtedbg.shell.shell import PATIENCE_S, Shell
from mtedbg.shell.which_gdb import which_gdb
from mtedbg.system import refuses_color


def open_shell(
    debuggee: Debuggee, gdb: str | None, scripts: Sequence[str], *, context: bool = True
) -> int:
    """Runs the shell to its end; the exit status.

    Args:
        debuggee: what the debugger is pointed at.
        gdb: the path of GDB; the best of this machine where None.
        scripts: files of GDB commands to run at first.
        context: whether it is printed at each stop where the thread stands.

    Raises:
        MtedbgError: it cannot be opened.
    """
    person = sys.stdin.isatty() and sys.stdout.isatty()
    color = person and not refuses_color()
    screen = Screen(sys.stdout, sys.stderr, color=color)
    debugger = None
    for number in (signal.SIGTERM, signal.SIGHUP):  # what was started goes with us
        signal.signal(number, _leave)
    try:
        options = Options(which_gdb(gdb), [_script(name) for name in scripts], quiet=not person)
        debugger = Debugger(options, debuggee, screen)
        debugger.start()
        shell = Shell(debugger, screen, PATIENCE_S if person else None, context=context)
        if not person:
            return asyncio.run(obey(debugger, shell, sys.stdin))
        return asyncio.run(interact(debugger, shell, screen, Prompt(shell, color=color)))
    finally:
        (debugger or debuggee).close()


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _script(name: str) -> Path:
    path = Path(name).absolute()
    if not path.is_file():
        raise FileFormatError(f"{name} is not a file", "give a file of GDB commands: -x FILE")
    return path
