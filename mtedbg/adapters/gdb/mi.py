"""One command of GDB's machine interface for each of mtedbg's: `-mte-tags` for `mte-tags`.

The result is the report as `--json` has it, as MI's tuples and lists. MI has no null: what is
absent is left out of its row, and its reason is in `notes` as it is in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import gdb

from mtedbg.commands import Command
from mtedbg.errors import MtedbgError

# What MI takes for the name of a variable.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def _value(value: Any) -> Any:
    """A value of JSON in MI's terms; GDB makes a string of every number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [_value(item) for item in value if item is not None]
    if not isinstance(value, Mapping):
        return value
    there = {key: _value(item) for key, item in value.items() if item is not None}
    if all(_NAME.fullmatch(key) for key in there):
        return there
    return [{"key": key, "value": item} for key, item in there.items()]


class _MachineCommand(gdb.MICommand):  # type: ignore[misc]
    """A command of mtedbg."""

    def __init__(self, command: Command) -> None:
        self._command = command
        super().__init__(f"-{command.name}")

    def invoke(self, words: list[str]) -> dict[str, Any]:
        """Runs the command; GDB calls this."""
        from mtedbg.adapters.gdb import sessions
        from mtedbg.commands._line import ask
        from mtedbg.render.json import to_object

        try:
            session = sessions.current()
            _, answer = ask(session, self._command, words, sessions.continuations(session))
        except MtedbgError as error:
            raise gdb.GdbError(str(error)) from None
        except gdb.error as error:
            raise gdb.GdbError(f"GDB: {error}") from None
        plain = to_object(answer)
        del plain["columns"]  # what they mean is a matter of `help`
        return {"report": _value(plain)}


def install(commands: list[Command]) -> None:
    """Registers them. May be called again."""
    for command in commands:
        _MachineCommand(command)
