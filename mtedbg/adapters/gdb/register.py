"""One gdb.Command for each command of mtedbg."""

from __future__ import annotations

from typing import Any

import gdb

from mtedbg.adapters.gdb import parameters, unwinder
from mtedbg.adapters.gdb.console import captured
from mtedbg.adapters.gdb.output import printable
from mtedbg.commands import Command, all_commands
from mtedbg.errors import MtedbgError

_EVERYONES_OPTIONS = ("--json", "--no-color")
_THREAD_OPTIONS = ("--thread", "--all-threads")

# Names that are ours since an earlier `install`: sourcing the file twice is no conflict.
_ours: set[str] = set()


class _GdbCommand(gdb.Command):  # type: ignore[misc]
    """A command of mtedbg under one of its names."""

    def __init__(self, command: Command, name: str) -> None:
        self._command = command
        self.__doc__ = printable(command.help)
        super().__init__(name, gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Runs the command; GDB calls this."""
        from mtedbg.adapters.gdb import output, sessions
        from mtedbg.commands._line import execute

        if not self._command.repeats:
            self.dont_repeat()
        try:
            color = output.wants_color(from_tty)
            text = execute(sessions.current(), self._command, argument, color=color)
        except MtedbgError as error:
            raise gdb.GdbError(printable(str(error))) from None
        except gdb.error as error:
            raise gdb.GdbError(f"GDB: {error}") from None
        gdb.write(printable(text))

    def complete(self, text: str, word: str | None) -> Any:
        """Options by name, everything else as GDB completes an expression; GDB calls this."""
        last = text.rsplit(" ", 1)[-1]
        if not last.startswith("-"):
            return gdb.COMPLETE_EXPRESSION
        options = [option.name for option in self._command.options]
        options += _THREAD_OPTIONS if self._command.per_thread else ()
        # GDB may take a dash for the end of a word: only what follows it is to be completed then.
        done = len(last) - len(last if word is None else word)
        return [name[done:] for name in (*options, *_EVERYONES_OPTIONS) if name.startswith(last)]


class _Prefix(gdb.Command):  # type: ignore[misc]
    """Commands of mtedbg whose plain names are taken."""

    def __init__(self, name: str) -> None:
        super().__init__(name, gdb.COMMAND_DATA, prefix=True)


def _taken(name: str) -> bool:
    """Whether GDB has a command called exactly `name` that is not ours."""
    return name not in _ours and name in captured(f"complete {name}").split("\n")


def _prefix_form(name: str) -> str:
    """`mte tags` for `mte-tags`, `mtedbg memop` for a name without a dash."""
    prefix, dash, rest = name.partition("-")
    return f"{prefix} {rest}" if dash else f"mtedbg {name}"


def _register_with_prefix(command: Command) -> None:
    name = _prefix_form(command.name)
    prefix = name.split(" ")[0]
    try:
        if prefix not in _ours and not _taken(prefix):
            _Prefix(prefix)
            _ours.add(prefix)
        _GdbCommand(command, name)
    except RuntimeError:
        gdb.write(
            f"mtedbg: `{command.name}` and `{prefix}` belong to another extension; left out\n"
        )
        return
    gdb.write(f"mtedbg: `{command.name}` belongs to another extension; ours is `{name}`\n")


def install() -> None:
    """Registers every command and setting. May be called again."""
    parameters.install()
    unwinder.install()
    for command in all_commands():
        if _taken(command.name):
            _register_with_prefix(command)
        else:
            _GdbCommand(command, command.name)
            _ours.add(command.name)
