"""One class of LLDB's kind for each command of mtedbg."""

from __future__ import annotations

import sys
from typing import Any

import lldb

from mtedbg.commands import Command, all_commands
from mtedbg.errors import MtedbgError

# Under these names LLDB finds the classes, in the dictionary of its Python session.
_CLASS = "mtedbg_command_"

# Names that are ours since an earlier `install`: importing the file twice is no conflict.
_ours: set[str] = set()


class _LldbCommand:
    """A command of mtedbg; a class of its own for each, since LLDB makes the object."""

    command: Command

    def __init__(self, debugger: lldb.SBDebugger, _names: dict[str, Any]) -> None:
        self._debugger = debugger

    def __call__(
        self,
        debugger: lldb.SBDebugger,
        line: str,
        context: lldb.SBExecutionContext,
        result: lldb.SBCommandReturnObject,
    ) -> None:
        """Runs the command; LLDB calls this."""
        from mtedbg.adapters.lldb import output, sessions
        from mtedbg.commands._line import execute

        try:
            color = output.wants_color(debugger)
            text = execute(sessions.current(debugger, context), self.command, line, color=color)
        except MtedbgError as error:
            result.SetError(str(error))
        except KeyboardInterrupt:
            result.SetError("interrupted")
        else:
            result.PutCString(text.removesuffix("\n"))

    def get_short_help(self) -> str:
        """One line for `help`; LLDB calls this."""
        return self.command.summary

    def get_long_help(self) -> str:
        """For `help NAME`; LLDB calls this."""
        return self.command.help

    def get_repeat_command(self, line: str) -> str:
        """What an empty line after it does; LLDB (19 and newer) calls this."""
        from mtedbg.commands._repeat import repeat_line

        words = repeat_line(self.command, line.strip().removeprefix(self.command.name))
        return "" if words is None else f"{self.command.name} {words}".strip()


def _taken(debugger: lldb.SBDebugger, name: str) -> bool:
    """Whether LLDB has a command called exactly `name` that is not ours."""
    interpreter = debugger.GetCommandInterpreter()
    return name not in _ours and (
        interpreter.CommandExists(name)
        or interpreter.UserCommandExists(name)
        or interpreter.AliasExists(name)
    )


def _handle(debugger: lldb.SBDebugger, line: str) -> str:
    """Runs a command of LLDB; returns its complaint, if it has one."""
    result = lldb.SBCommandReturnObject()
    debugger.GetCommandInterpreter().HandleCommand(line, result)
    return "" if result.Succeeded() else str(result.GetError() or "it did not say why")


def _add(debugger: lldb.SBDebugger, names: dict[str, Any], command: Command) -> None:
    identifier = _CLASS + command.name.replace("-", "_")
    names[identifier] = type(identifier, (_LldbCommand,), {"command": command})
    # LLDB completes nothing else for such a command: no options, and no registers besides.
    takes_address = any(argument.kind == "address" for argument in command.arguments)
    completion = "variable-path" if takes_address else "none"
    line = f"command script add -o -C {completion} -c {identifier} {command.name}"
    complaint = _handle(debugger, line)
    if complaint:
        sys.stderr.write(f"mtedbg: `{command.name}` cannot be added: {complaint}\n")
    _ours.add(command.name)


def install(debugger: lldb.SBDebugger, names: dict[str, Any]) -> None:
    """Registers every command. May be called again.

    Args:
        debugger: LLDB.
        names: the dictionary of its Python session, in which it looks for classes.
    """
    for command in all_commands():
        if _taken(debugger, command.name):
            sys.stderr.write(f"mtedbg: `{command.name}` belongs to another extension; left out\n")
        else:
            _add(debugger, names, command)
