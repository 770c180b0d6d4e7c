"""One thread on the road from a faulting memop through its handler to the re-executed access."""

from dataclasses import dataclass
from enum import Enum

from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.memop import MemopState
from mtedbg.model.runtime import Journal


class Position(Enum):
    """Where on that road a thread is; the value is what reports say."""

    SIGNAL = "signal"  # on a fault at a memop, whose signal the program has not had yet
    PHASE = "phase"  # in the handler, at the address of a phase
    HANDLER = "handler"  # in the handler, between two of them
    INSERT = "insert"  # at [1], or between [1] and [2]
    ACCESS = "access"  # at [2]
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Other:
    """Another thread in the same memop, or in the handler of a fault at it.

    Attributes:
        thread: the debugger's number.
        where: in words.
        tag: the logical tag in its address register, where [1] has put it there.
        stale: whether [1] would now give another one.
        meaning: what comes of a stale pair.
    """

    thread: int
    where: str
    tag: int | Absent = NOT_APPLICABLE
    stale: bool | Absent = NOT_APPLICABLE
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Granule:
    """A granule that the memop's access touches: its address and its allocation tag."""

    address: int
    tag: int | Absent


@dataclass(frozen=True, slots=True)
class Handling:
    """All that fault handling changes, at one moment, as one thread has to do with it.

    Attributes:
        thread: the debugger's number.
        guest_thread: that it runs.
        position: where it is.
        phase: at whose address it is, as commands spell it; none elsewhere.
        pc: of the thread, without tag and PAC bits.
        resumes: where the interrupted code is to go on; does not apply outside of the handler.
        memop: that it is at, or whose fault it handles, and its words.
        function: the guest function that the memop is in, empty where it is not known.
        pointer: the memop's address register, tag kept.
        core: what the core register holds in translated code.
        granules: the memory that the access touches.
        lock: the guest thread that holds the lock, 0 for nobody.
        journal: the change of memops or tags in flight, whoever makes it.
        others: the other threads in this memop.
    """

    thread: int
    guest_thread: int | Absent
    position: Position
    phase: str | Absent
    pc: int
    resumes: int | Absent
    memop: MemopState | Absent
    function: str
    pointer: int | Absent
    core: int | Absent
    granules: tuple[Granule, ...]
    lock: int | Absent
    journal: Journal | Absent
    others: tuple[Other, ...]

    @property
    def in_handler(self) -> bool:
        """Whether the thread runs the fault handler."""
        return self.position in (Position.PHASE, Position.HANDLER)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that fault handling may change.

    Attributes:
        key: what it is, "tag 0x7f…", "[1]", "lock"; the same at every moment.
        where: its address, where it has one.
        text: what it is now.
    """

    key: str
    text: str
    where: int | Absent = NOT_APPLICABLE
