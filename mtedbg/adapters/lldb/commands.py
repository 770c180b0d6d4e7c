"""The classes of LLDB's kind that commands of mtedbg become."""

from __future__ import annotations

import re
from string import ascii_uppercase
from typing import Any

import lldb

from mtedbg.commands import Argument, Command, Option, Takes
from mtedbg.errors import MtedbgError

LONGEST = 1 << 16
"""Bytes of one word."""

# What LLDB itself completes with nothing: of a "name" it offers its categories of types.
_PLAIN = lldb.eArgTypeValue


class _LldbCommand:
    """A command of mtedbg; LLDB makes the object of a class that knows which."""

    command: Command
    name: str

    def __init__(self, debugger: lldb.SBDebugger, _names: dict[str, Any]) -> None:
        self._debugger = debugger

    def get_short_help(self) -> str:
        """One line for `help`; LLDB calls this."""
        return self.command.summary

    def get_long_help(self) -> str:
        """For `help NAME`; LLDB calls this."""
        return self.command.help

    def get_repeat_command(self, line: str) -> str:
        """What an empty line after it does; LLDB (19 and newer) calls this."""
        from mtedbg.commands._repeat import repeat_line

        words = repeat_line(self.command, line.strip().removeprefix(self.name))
        return "" if words is None else f"{self.name} {words}".strip()


def _run(
    command: Command,
    debugger: lldb.SBDebugger,
    line: str | list[str],
    context: lldb.SBExecutionContext,
    result: lldb.SBCommandReturnObject,
    *,
    color: bool,
) -> None:
    from mtedbg.adapters.lldb import sessions
    from mtedbg.commands._line import execute

    try:
        session = sessions.current(debugger, context)
        text = execute(session, command, line, sessions.continuations(), color=color)
    except MtedbgError as error:
        result.SetError(str(error))
    except KeyboardInterrupt:
        result.SetError("interrupted")
    else:
        result.PutCString(text.removesuffix("\n"))


class RawCommand(_LldbCommand):
    """One that gets its line as it was typed, and may be the first word of others.

    LLDB keeps no command and a group of commands under one name.
    """

    others: dict[str, Command]

    def __call__(
        self,
        debugger: lldb.SBDebugger,
        line: str,
        context: lldb.SBExecutionContext,
        result: lldb.SBCommandReturnObject,
    ) -> None:
        """Runs the command; LLDB calls this."""
        from mtedbg.adapters.lldb.output import wants_color

        first, _, rest = line.strip().partition(" ")
        command, line = (self.others[first], rest) if first in self.others else (self.command, line)
        _run(command, debugger, line, context, result, color=wants_color(debugger))


class ParsedCommand(_LldbCommand):
    """One whose options LLDB knows, so that it completes them.

    Source: lldb/plugins/parsed_cmd.py, which shows what LLDB asks of such a class.
    """

    def __init__(self, debugger: lldb.SBDebugger, names: dict[str, Any]) -> None:
        super().__init__(debugger, names)
        self._options: list[str] = []

    def get_options_definition(self) -> dict[str, dict[str, Any]]:
        """The options by their long names; LLDB calls this."""
        options = self.command.all_options
        letters = _letters([option.name for option in options])
        return {_long(one): _definition(one, letters[one.name]) for one in options}

    def get_args_definition(self) -> list[list[dict[str, Any]]]:
        """What may stand next to the options; LLDB calls this."""
        return [[_element(argument)] for argument in self.command.arguments]

    def get_flags(self) -> int:
        """What LLDB should make sure of before: nothing, we say it ourselves; LLDB calls this."""
        return 0

    def get_long_help(self) -> str:
        """For `help NAME`, where LLDB shows the short help before; LLDB calls this."""
        return self.command.help.removeprefix(self.command.summary).lstrip()

    def option_parsing_started(self) -> None:
        """Forgets the last call's options; LLDB calls this."""
        self._options = []

    def set_option_value(self, _context: object, long: str, value: str) -> bool:
        """Takes one option in; LLDB calls this with its long name."""
        option = self._option(long)
        self._options += [option.name, value] if option.value else [option.name]
        return True

    def _option(self, long: str) -> Option:
        return next(option for option in self.command.all_options if _long(option) == long)

    def __call__(
        self,
        debugger: lldb.SBDebugger,
        arguments: lldb.SBStructuredData,
        context: lldb.SBExecutionContext,
        result: lldb.SBCommandReturnObject,
    ) -> None:
        """Runs the command; LLDB calls this."""
        from mtedbg.adapters.lldb.output import wants_color

        words = [*_strings(arguments), *self._options]
        _run(self.command, debugger, words, context, result, color=wants_color(debugger))

    def handle_argument_completion(self, arguments: list[str], at: int, cursor: int) -> Any:
        """What an argument may become; LLDB (20 and newer) calls this."""
        return self._completed(arguments[:at], arguments[at][:cursor] if arguments else "")

    def handle_option_argument_completion(self, long: str, cursor: int) -> Any:
        """What an option's value may become; LLDB (20 and newer) calls this."""
        value = self._options[-1] if self._options else ""
        return self._completed([self._option(long).name], value[:cursor])

    def _completed(self, words: list[str], last: str) -> Any:
        """In LLDB's terms: None to complete by itself (false will not do), true for nothing."""
        from mtedbg.adapters.lldb import sessions
        from mtedbg.commands._complete import Rest, complete

        context = lldb.SBExecutionContext(self._debugger.GetSelectedTarget())
        found = complete(
            self.command, words, last, lambda: sessions.current(self._debugger, context)
        )
        if found is Rest.FILE:
            return None
        if isinstance(found, Rest):
            found = self._names_in_expressions(last)
        return {"values": found} if found else True

    def _names_in_expressions(self, last: str) -> list[str]:
        """Registers and variables, as LLDB completes them for commands of its own."""
        sign, ask = ("$", "register read ") if last.startswith("$") else ("", "frame variable ")
        line = ask + last.removeprefix("$")
        words = lldb.SBStringList()
        interpreter = self._debugger.GetCommandInterpreter()
        interpreter.HandleCompletion(line, len(line), 0, -1, words)
        # Before them stands what all have in common.
        return [sign + words.GetStringAtIndex(at) for at in range(1, words.GetSize())]


def completes_in_python() -> bool:
    """Whether this LLDB asks a command what its arguments may become (20 and newer)."""
    version = re.search(r"version (\d+)", lldb.SBDebugger.GetVersionString())
    return version is not None and int(version[1]) >= 20


def _long(option: Option) -> str:
    """LLDB wants a long name of every option: `--n` in addition to `-n`."""
    return option.name.lstrip("-")


def _letters(names: list[str]) -> dict[str, str]:
    """A letter for each option: LLDB (19 to 23) loses the second of those that have none.

    Those that we give are not the ones that a person would try: `-n 3` is refused where it is no
    option, and not taken for another one and a length.
    """
    found = {name: name[1] for name in names if not name.startswith("--")}
    spare = (letter for letter in reversed(ascii_uppercase) if letter not in found.values())
    return {name: found.get(name) or next(spare) for name in names}


def _definition(option: Option, letter: str) -> dict[str, Any]:
    found: dict[str, Any] = {"required": False, "help": option.help, "short_option": letter}
    if option.value:
        file = option.kind is Takes.FILE
        found["value_type"] = lldb.eArgTypeFilename if file else _PLAIN
        found["completion_type"] = lldb.eDiskFileCompletion if file else lldb.eNoCompletion
        found["dest"], found["default"] = _long(option), None
    return found


def _element(argument: Argument) -> dict[str, Any]:
    address = argument.kind.is_expression
    kind = lldb.eArgTypeAddressOrExpression if address else _PLAIN
    # Our own parser says what is missing: its message is the same everywhere.
    return {"arg_type": kind, "repeat": "star" if argument.many else "optional"}


def _strings(arguments: lldb.SBStructuredData) -> list[str]:
    """LLDB's list of words."""
    items = (arguments.GetItemAtIndex(index) for index in range(arguments.GetSize()))
    return [item.GetStringValue(LONGEST) for item in items]
