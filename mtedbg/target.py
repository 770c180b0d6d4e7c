"""The port: all that mtedbg asks of a debugger or a core file.

How to add a debugger:
 1. write one file in `adapters/` whose class has these methods (nothing else may import it);
 2. addresses it is given carry no tag and no PAC bits; what it returns keeps them;
 3. what is not there is an `Absent` with its reason, a broken connection is an exception;
 4. registration of commands and stop events live in the same file;
 5. add one parameter to `tests/contract/` and one controller to `tests/support/`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mtedbg.model.absent import Absent
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.process import SignalInfo, Symbol, TargetInfo, Thread


class Target(Protocol):
    """A stopped process or a dead one."""

    def info(self) -> TargetInfo:
        """What the target is, and where tags come from."""

    def read_memory(self, address: int, length: int) -> bytes | Absent:
        """All `length` bytes at `address`, or why they cannot be had: never fewer."""

    def read_tags(self, start: int, end: int) -> Sequence[TagPiece]:
        """Allocation tags of [start, end), both multiples of 16.

        The pieces are in order and cover the whole span, holes included.
        """

    def regions(self) -> Sequence[Region] | Absent:
        """All mappings in order of address, or why they are not known."""

    def threads(self) -> Sequence[Thread]:
        """All threads; exactly one is current."""

    def registers(self, thread: Thread) -> Mapping[str, int] | Absent:
        """x0 to x30, sp, pc, pstate and, where it is known, tpidr: of the innermost frame."""

    def signal(self, thread: Thread) -> SignalInfo | Absent:
        """The signal that stopped `thread`; absent where it was none."""

    def symbol_address(self, name: str) -> int | Absent:
        """The address of the symbol `name`."""

    def symbol_at(self, address: int) -> Symbol | Absent:
        """The symbol that holds `address`."""

    def evaluate(self, expression: str) -> int:
        """The 64-bit value of an address expression, tag bits kept.

        Raises:
            ExpressionError: it cannot be evaluated.
        """
