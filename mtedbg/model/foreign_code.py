"""Code of a JIT that has no debug root, as others describe it."""

from dataclasses import dataclass

from mtedbg.model.absent import NOT_APPLICABLE, Absent

DEBUG_ROOT = "debug root"
JIT_INTERFACE = "GDB JIT interface"
PERF_MAP = "perf map"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of code: [start, end), and what it is called."""

    start: int
    end: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """What one source says of a PC.

    Attributes:
        source: `JIT_INTERFACE` or `PERF_MAP`.
        number: of the object that holds the PC, in the order of the source, from 1.
        block: the code that the object has; absent where nothing holds the PC, with the reason.
        symbol: the symbol of it that holds the PC; does not apply where none does.
        notes: remarks for people.
    """

    source: str
    number: int | Absent = NOT_APPLICABLE
    block: Stretch | Absent = NOT_APPLICABLE
    symbol: Stretch | Absent = NOT_APPLICABLE
    notes: tuple[str, ...] = ()
