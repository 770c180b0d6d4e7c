"""One thread on the way from a faulting memop through its handler to the repeated access."""

from enum import Enum

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent, then
from mtedbg.model.memop import MemopState, Mode, Word
from mtedbg.model.phase import Phase
from mtedbg.model.runtime import Journal


class Position(Enum):
    """Where on that way a thread is; the value is what reports say."""

    SIGNAL = "signal"  # on a fault at a memop, whose signal the program has not had yet
    PHASE = "phase"  # in the handler, at the address of a phase
    HANDLER = "handler"  # in the handler, between two of them
    INSERT = "insert"  # at [1], between [1] and [2], or out of line and not at an access
    ACCESS = "access"  # at [2], or at an access out of line
    ELSEWHERE = "elsewhere"


class OtherPlace(Enum):
    """Where another thread is in the same memop; the value is what reports say."""

    BEFORE_INSERT = "before [1]"
    INSERT = "at [1]"
    BETWEEN = "between [1] and [2]"
    ACCESS = "at [2]"
    OUT_OF_LINE = "out of line"
    PHASE = "at a phase of its own fault"
    HANDLER = "in the handler of its own fault"


@dataclass(frozen=True, slots=True)
class Other:
    """Another thread in the same memop, or in the handler of a fault at it.

    Attributes:
        thread: the debugger's number.
        place: where it is.
        phase: at whose address it is, in the handler.
        tag: the logical tag in its address register, where [1] has put it there.
        stale: whether [1] would now give another one.
        meaning: what comes of a stale pair.
    """

    thread: int
    place: OtherPlace
    phase: Phase | Absent = NOT_APPLICABLE
    tag: int | Absent = NOT_APPLICABLE
    stale: bool | Absent = NOT_APPLICABLE
    meaning: str = ""

    @property
    def where(self) -> str:
        """Its place, in words."""
        if isinstance(self.phase, Absent):
            return self.place.value
        return f"at phase {self.phase.value} of its own fault"


@dataclass(frozen=True, slots=True)
class Granule:
    """A granule that the memop's access touches: its address and its allocation tag."""

    address: int
    tag: int | Absent


@dataclass(frozen=True, slots=True)
class Handling:
    """All that fault handling changes, in one state, as one thread has to do with it.

    Attributes:
        thread: the debugger's number.
        guest_thread: that it runs.
        position: where it is.
        phase: at whose address it is; does not apply elsewhere.
        pc: of the thread, without tag and PAC bits.
        resumes: where the interrupted code is to go on; does not apply outside of the handler.
        memop: that it is at, or whose fault it handles, and its words.
        function: the guest function that the memop is in, empty where it is not known.
        pointer: the memop's address register, tag kept.
        address: the same without tag and PAC bits.
        core: what the core register holds in translated code.
        granules: the memory that the access touches.
        lock: the guest thread that holds the lock, 0 for none.
        journal: the change of memops or tags in flight, whoever makes it.
        others: the other threads in this memop.
    """

    thread: int
    guest_thread: int | Absent
    position: Position
    phase: Phase | Absent
    pc: int
    resumes: int | Absent
    memop: MemopState | Absent
    function: str
    pointer: int | Absent
    address: int | Absent
    core: int | Absent
    granules: tuple[Granule, ...]
    lock: int | Absent
    journal: Journal | Absent
    others: tuple[Other, ...]

    @property
    def in_handler(self) -> bool:
        """Whether the thread runs the fault handler."""
        return self.position in (Position.PHASE, Position.HANDLER)

    @property
    def memop_id(self) -> int | Absent:
        """The id of its memop."""
        return then(self.memop, lambda state: state.memop.id)

    def word(self, part: int) -> Word | None:
        """The memop's tag insert, 1, or its access, 2; None where it has none."""
        words = () if isinstance(self.memop, Absent) else self.memop.words
        return next((word for word in words if word.part == part), None)

    def form(self, part: int) -> Mode | Absent:
        """The form that a word of the memop has; does not apply where there is no such word."""
        word = self.word(part)
        return NOT_APPLICABLE if word is None else word.mode
