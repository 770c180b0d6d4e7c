"""What is known of the names in an expression without a debugger: registers and symbols."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mtedbg.address.reader import evaluate
from mtedbg.address.values import UNSIGNED, Number, Type, Value, symbol
from mtedbg.errors import ExpressionError
from mtedbg.model.absent import Absent
from mtedbg.model.process import Definition


def value_of(
    expression: str,
    registers: Mapping[str, int] | Absent,
    definition: Callable[[str], Definition | Absent],
    read: Callable[[int, int], bytes | Absent],
) -> int:
    """The 64-bit value of an address expression; there are no types.

    Args:
        expression: in the language of `mtedbg.address`.
        registers: of the thread, by the port's names.
        definition: finds a symbol.
        read: reads memory.

    Raises:
        ExpressionError: it cannot be evaluated.
    """
    return evaluate(expression, _Names(registers, definition, read))


class _Names:
    """`Lookup` of one thread of a dead process."""

    def __init__(
        self,
        registers: Mapping[str, int] | Absent,
        definition: Callable[[str], Definition | Absent],
        read: Callable[[int, int], bytes | Absent],
    ) -> None:
        self._registers = registers
        self._definition = definition
        self._read = read

    def register(self, name: str) -> Value | None:
        """The port's alone."""
        if isinstance(self._registers, Absent):
            raise ExpressionError(
                f"${name}: registers are {self._registers}", "give a number or a symbol"
            )
        value = self._registers.get(name)
        return None if value is None else Number(value, UNSIGNED)

    def name(self, name: str) -> Value | Absent:
        """A symbol."""
        found = self._definition(name)
        return found if isinstance(found, Absent) else symbol(found)

    def type(self, _name: str) -> Type | None:
        """None."""
        return None

    def read(self, address: int, size: int) -> bytes | Absent:
        """By the port."""
        return self._read(address, size)
