"""One gdb.Command for each command of mtedbg."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import gdb

from mtedbg.adapters.gdb import functions, mi, parameters, unwinder
from mtedbg.adapters.gdb.console import captured
from mtedbg.adapters.gdb.output import printable
from mtedbg.commands import GROUP, Command, all_commands, overview
from mtedbg.errors import MtedbgError

# Names that are ours since an earlier `install`: sourcing the file twice is no conflict.
_ours: set[str] = set()

# Commands whose names were given to others: by ourselves (sourced twice) or by somebody else.
_replaced: list[Command] = []


class _GdbCommand(gdb.Command):  # type: ignore[misc]
    """A command of mtedbg under one of its names."""

    def __init__(self, command: Command, name: str, *, prefix: bool = False) -> None:
        self._command, self._name = command, name
        self.__doc__ = printable(command.help)
        super().__init__(name, gdb.COMMAND_DATA, prefix=prefix)

    def __del__(self) -> None:
        """GDB drops a command when another one is given its name, and tells nobody."""
        if self._name == self._command.name:
            _replaced.append(self._command)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Runs the command; GDB calls this."""
        from mtedbg.adapters.gdb import output, repeat, sessions
        from mtedbg.commands._line import execute
        from mtedbg.commands._repeat import repeat_line

        if not self._command.repeats:
            self.dont_repeat()
        if repeat.is_repetition(from_tty):
            argument = repeat_line(self._command, argument) or ""
        try:
            color = output.wants_color(from_tty)
            session = sessions.current()
            goes_on = sessions.continuations(session)
            text = execute(session, self._command, argument, goes_on, color=color)
        except MtedbgError as error:
            raise gdb.GdbError(printable(str(error))) from None
        except gdb.error as error:
            raise gdb.GdbError(f"GDB: {error}") from None
        gdb.write(printable(text))
        if session.runtimes_if_known():
            from mtedbg.adapters.gdb import jit_code

            jit_code.learn()

    def complete(self, text: str, word: str | None) -> Any:
        """What may stand for the last word; GDB calls this."""
        from mtedbg.adapters.gdb import sessions
        from mtedbg.commands._complete import Rest, complete

        *words, last = text.split(" ")
        try:
            found = complete(self._command, list(filter(None, words)), last, sessions.current)
        except gdb.error:  # the server is gone: that is for a command to say
            return gdb.COMPLETE_NONE
        if isinstance(found, Rest):
            return gdb.COMPLETE_FILENAME if found is Rest.FILE else gdb.COMPLETE_EXPRESSION
        # GDB may take a dash for the end of a word: only what follows it is to be completed then.
        done = len(last) - len(last if word is None else word)
        return [name[done:] for name in found]


class _Prefix(gdb.Command):  # type: ignore[misc]
    """The first word of commands in two words, `mte tags`."""

    def __init__(self, name: str) -> None:
        one = "NAME" if name == GROUP else f"{name}-NAME"
        self.__doc__ = f"Commands of mtedbg; `{name} NAME` is the same as `{one}`."
        if name == GROUP:
            self.__doc__ += f"\n\nAll of them:\n\n{printable(overview())}"
        super().__init__(name, gdb.COMMAND_DATA, prefix=True)


def _taken(name: str) -> bool:
    """Whether GDB has a command called exactly `name` that is not ours."""
    return name not in _ours and name in captured(f"complete {name}").split("\n")


def _add(command: Command, name: str, *, prefix: bool = False) -> bool:
    """Registers `command` as `name`; whether it could be."""
    if _taken(name):
        return False
    _GdbCommand(command, name, prefix=prefix)
    _ours.add(name)
    return True


def _add_prefix(name: str) -> bool:
    """Makes `name` the first word of others, unless it is somebody's; whether it is one."""
    if name not in _ours and not _taken(name):
        _Prefix(name)
        _ours.add(name)
    return name in _ours


def _belongs_elsewhere(command: Command) -> str:
    both = " ".join(command.in_two_words)
    return f"mtedbg: `{command.name}` belongs to another extension; ours is `{both}`\n"


def _register(commands: Sequence[Command], first: str, prefixes: Set[str]) -> None:
    """Registers commands whose first word is `first`, under both their names.

    A name that is somebody else's is left to them, and that is said.
    """
    taken = [c for c in commands if not _add(c, c.name, prefix=c.name in prefixes)]
    if _add_prefix(first):
        for command in commands:
            # Under our own prefix no one else has names: there is nothing to ask GDB about.
            _GdbCommand(command, " ".join(command.in_two_words))
            if command in taken:
                gdb.write(_belongs_elsewhere(command))
        return
    both = " ".join(commands[0].in_two_words)
    lacking = "".join(f"; `{command.name}` is left out" for command in taken)
    gdb.write(f"mtedbg: `{first}` belongs to another extension: no `{both}`{lacking}\n")


def _tell_what_was_taken() -> None:
    """Says before a prompt which names another extension has taken that was loaded after us."""
    while _replaced:
        command = _replaced.pop()
        if printable(command.summary) not in captured(f"help {command.name}"):
            gdb.write(_belongs_elsewhere(command))


def install() -> None:
    """Registers every command, function and setting. May be called again."""
    parameters.install()
    unwinder.install()
    functions.install()
    commands = all_commands()
    groups: dict[str, list[Command]] = {GROUP: []}  # first: a command may be a prefix itself
    for command in commands:
        groups.setdefault(command.in_two_words[0], []).append(command)
    for first, group in groups.items():
        _register(group, first, groups.keys())
    mi.install(commands)
    gdb.events.before_prompt.connect(_tell_what_was_taken)
