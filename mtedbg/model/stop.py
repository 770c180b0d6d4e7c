"""Why a program that was let run has stopped again."""

from enum import Enum

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent


class StopKind(Enum):
    """What stopped it."""

    SIGNAL = "signal"
    BREAKPOINT = "breakpoint"
    INTERRUPTED = "interrupted"
    EXITED = "exited"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Stop:
    """How a run ended.

    Attributes:
        kind: what stopped it.
        thread: the debugger's number of the thread that stopped; none where the program is gone.
        pc: of that thread, PAC bits kept.
        detail: for people, "SIGSEGV", "breakpoint 3", "exit status 1".
    """

    kind: StopKind
    thread: int | Absent = NOT_APPLICABLE
    pc: int | Absent = NOT_APPLICABLE
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Halt:
    """A place where a run is to end.

    Attributes:
        address: of an instruction.
        patched: whether its word may be patched while the program runs: a breakpoint that is
            written over it would undo the patch, or be undone by it.
        by_steps: whether single steps may lead there, where there are no hardware breakpoints.
    """

    address: int
    patched: bool = False
    by_steps: bool = True
