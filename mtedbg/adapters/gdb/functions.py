"""One convenience function of GDB for each of mtedbg's."""

from __future__ import annotations

import gdb

from mtedbg.errors import MtedbgError
from mtedbg.functions import FUNCTIONS, Function


class _GdbFunction(gdb.Function):  # type: ignore[misc]
    """A function of mtedbg."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self.__doc__ = function.help
        super().__init__(function.name)

    def invoke(self, *values: gdb.Value) -> int:
        """Its value; GDB calls this, also for the condition of a breakpoint."""
        from mtedbg.adapters.gdb import sessions
        from mtedbg.adapters.gdb.values import address_of

        wanted = bool(self._function.argument)
        if len(values) != wanted:
            raise gdb.GdbError(f"usage: {self._function.usage}")
        try:
            argument = address_of(values[0], self._function.argument) if wanted else 0
            return self._function.value(sessions.in_expression(), argument)
        except MtedbgError as error:
            raise gdb.GdbError(error.message) from None
        except gdb.error as error:
            raise gdb.GdbError(f"GDB: {error}") from None


def install() -> None:
    """Registers them. May be called again."""
    for function in FUNCTIONS:
        _GdbFunction(function)
