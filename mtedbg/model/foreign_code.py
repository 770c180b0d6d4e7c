"""Code of a JIT that has no debug root, as it describes it to other tools."""

from enum import StrEnum

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent


class CodeSource(StrEnum):
    """Who knows which code is where; the value is the word of `jit-block`."""

    DEBUG_ROOT = "debug root"
    JIT_INTERFACE = "GDB JIT interface"
    PERF_MAP = "perf map"


@dataclass(frozen=True, slots=True)
class CodeSpan:
    """Code in [start, end), and what it is called."""

    start: int
    end: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class ForeignCode:
    """What one source says of a PC.

    Attributes:
        source: not the debug root.
        number: of the object that holds the PC, in the order of the source, from 1.
        block: the code that the object has; absent where nothing holds the PC, with the reason.
        symbol: the symbol of it that holds the PC; does not apply where none does.
        notes: remarks for people.
    """

    source: CodeSource
    number: int | Absent = NOT_APPLICABLE
    block: CodeSpan | Absent = NOT_APPLICABLE
    symbol: CodeSpan | Absent = NOT_APPLICABLE
    notes: tuple[str, ...] = ()
