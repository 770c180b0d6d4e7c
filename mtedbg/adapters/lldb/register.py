"""Registration: every command under its own name, and in two words."""

from __future__ import annotations

import sys
from typing import Any

import lldb

from mtedbg.adapters.lldb import functions, stops
from mtedbg.adapters.lldb.commands import ParsedCommand, RawCommand, completes_in_python
from mtedbg.adapters.lldb.settings import SET, SetCommand
from mtedbg.commands import GROUP, Command, Takes, all_commands, overview

# Under these names LLDB finds the classes, in the dictionary of its Python session.
_CLASS = "mtedbg_command_"

# Names that are ours since an earlier `install`: importing the file twice is no conflict.
_ours: set[str] = set()


class _Registry:
    """One LLDB, and what is registered in it.

    Args:
        debugger: LLDB.
        names: the dictionary of its Python session, in which it looks for classes.
    """

    def __init__(self, debugger: lldb.SBDebugger, names: dict[str, Any]) -> None:
        self._interpreter = debugger.GetCommandInterpreter()
        self._names = names

    def taken(self, name: str) -> bool:
        """Whether LLDB has a command called exactly `name` that is not ours."""
        return name not in _ours and (
            self._interpreter.CommandExists(name)
            or self._interpreter.UserCommandExists(name)
            or self._interpreter.AliasExists(name)
        )

    def handle(self, line: str) -> str:
        """Runs a command of LLDB; returns its complaint, if it has one."""
        result = lldb.SBCommandReturnObject()
        self._interpreter.HandleCommand(line, result)
        return "" if result.Succeeded() else str(result.GetError() or "it did not say why")

    def add(self, command: Command, name: str, others: dict[str, Command]) -> None:
        """Registers `command` as `name`; `others` are those whose first word it is."""
        identifier = _CLASS + name.replace("-", "_").replace(" ", "_in_")
        known: dict[str, Any] = {"command": command, "name": name}
        takes_address = any(argument.kind is Takes.ADDRESS for argument in command.arguments)
        raw = bool(others) or (takes_address and not completes_in_python())
        base = RawCommand if raw else ParsedCommand
        self._names[identifier] = type(identifier, (base,), {**known, "others": others})
        how = "-C variable-path" if raw else "-p"
        complaint = self.handle(f"command script add -o {how} -c {identifier} {name}")
        if complaint:
            sys.stderr.write(f"mtedbg: `{name}` cannot be added: {complaint}\n")
        _ours.add(name)

    def add_setting(self) -> None:
        """Registers `mtedbg set`, where the group is ours."""
        if GROUP not in _ours:
            return
        identifier = f"{_CLASS}{GROUP}_in_{SET}"
        self._names[identifier] = SetCommand
        self.handle(f"command script add -o -c {identifier} {GROUP} {SET}")

    def add_group(self, name: str) -> bool:
        """Makes `name` the first word of others, unless it is somebody's; whether it is one."""
        if self.taken(name):
            return False
        if name not in _ours:
            details = f' -H "{_everything()}"' if name == GROUP else ""
            self.handle(f'command container add -h "Commands of mtedbg."{details} {name}')
            _ours.add(name)
        return True


def _everything() -> str:
    """What `help mtedbg` says after "Syntax:", where LLDB puts a long help."""
    # What is between backticks would be an expression.
    commands = overview().replace("`", "'").replace('"', "'")
    return f"{GROUP} NAME, which is the same as NAME\n\nAll commands:\n\n{commands}"


def _register(registry: _Registry, group: list[Command], first: str, all_: list[Command]) -> None:
    """Registers commands whose first word is `first`, under both their names.

    A name that is somebody else's is left to them, and that is said.
    """
    taken = [command for command in group if registry.taken(command.name)]
    for command in group:
        if command not in taken:
            under = (c for c in all_ if c.name.startswith(f"{command.name}-"))
            registry.add(command, command.name, {c.in_two_words[1]: c for c in under})
    if any(command.name == first for command in all_):
        return  # that one finds the others itself
    both = {command.name: " ".join(command.in_two_words) for command in group}
    if registry.add_group(first):
        for command in group:
            registry.add(command, both[command.name], {})
        for command in taken:
            theirs = f"`{command.name}` belongs to another extension"
            sys.stderr.write(f"mtedbg: {theirs}; ours is `{both[command.name]}`\n")
        return
    lacking = "".join(f"; `{command.name}` is left out" for command in taken)
    some = both[group[0].name]
    sys.stderr.write(f"mtedbg: `{first}` belongs to another extension: no `{some}`{lacking}\n")


def install(debugger: lldb.SBDebugger, names: dict[str, Any]) -> None:
    """Registers every command, and what makes backtraces whole. May be called again.

    Args:
        debugger: LLDB.
        names: the dictionary of its Python session, in which it looks for classes.
    """
    registry, commands = _Registry(debugger, names), all_commands()
    groups: dict[str, list[Command]] = {}
    for command in commands:
        groups.setdefault(command.in_two_words[0], []).append(command)
    for first, group in groups.items():
        _register(registry, group, first, commands)
    registry.add_setting()
    functions.install(names)
    stops.install(debugger, names)
