"""Memops: guest memory accesses that a tag check fault can patch."""

from enum import StrEnum
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.runtime import NOT_KEPT, Journal

_WORD = 4
_OUT_LOCKED, _OUT_OWN, _OUT_OTHER = 5, 4, 7
"""Places of the accesses among the words of an out-of-line form (native: code/memop_words.h)."""


class Access(StrEnum):
    """What a memop does; the value is the name in the schema."""

    LOAD = "Load"
    STORE = "Store"
    READ_MODIFY_WRITE = "ReadModifyWrite"


@dataclass(frozen=True, slots=True)
class Memop:
    """One memop as the runtime records it.

    Attributes:
        address: of the access [2].
        tag_address: of the tag insert [1], 0 where the memop has none.
        access: an `Access`.
        size: bytes accessed.
        mode: `Mode.LOCAL`, `SHARED` or `EITHER`, as recorded; the bytes may say otherwise.
        restart_address: of the first instruction, where that reads the core id; else 0.
        abort_address: where the kernel sends a thread that it interrupts in the memop; 0 where it
            is no restartable sequence.
        out_address: where its out-of-line form begins; 0 where it has none.
        out_end: one past the last word of that.
        counter: the address of its executions, a word of 64 bits; 0 where they are not counted.
    """

    RECORD: ClassVar[str] = "Memop"

    id: int
    address: int
    tag_address: int
    guest_rip: int
    access: str
    size: int
    mode: str
    block: int | Absent = NOT_KEPT
    flips: int | Absent = NOT_KEPT
    pinned: int | Absent = NOT_KEPT
    faults: int | Absent = NOT_KEPT
    last_fault_address: int | Absent = NOT_KEPT
    last_fault_time: int | Absent = NOT_KEPT
    last_fault_logical_tag: int | Absent = NOT_KEPT
    last_fault_allocation_tag: int | Absent = NOT_KEPT
    last_fault_core: int | Absent = NOT_KEPT
    restart_address: int | Absent = NOT_KEPT
    abort_address: int | Absent = NOT_KEPT
    out_address: int | Absent = NOT_KEPT
    out_end: int | Absent = NOT_KEPT
    counter: int | Absent = NOT_KEPT

    @property
    def access_words(self) -> str:
        """Its access for people: "load"."""
        locked = self.access == Access.READ_MODIFY_WRITE
        return "locked access" if locked else self.access.lower()

    @property
    def start(self) -> int:
        """Of the first of its instructions: where it is resumed after a fault."""
        begin = self.restart_address if isinstance(self.restart_address, int) else 0
        return begin or self.tag_address or self.address

    def covers(self, pc: int) -> bool:
        """Whether `pc` is at the access, before it, out of line, or at its abort handler."""
        inside = self.start <= pc <= self.address or self.covers_out_of_line(pc)
        return inside or (self.starts_over and pc == self.abort_address)

    @property
    def accesses(self) -> tuple[int, ...]:
        """Where it can access memory: at [2], and out of line.

        There first on memory that is the thread's own, then on other memory; a locked access is
        one instruction for both.
        """
        if not isinstance(self.out_address, int) or not self.out_address:
            return (self.address,)
        if self.access == Access.READ_MODIFY_WRITE:
            places: tuple[int, ...] = (_OUT_LOCKED,)
        else:
            behind_barrier = self.access == Access.STORE and self.size > 1
            places = (_OUT_OWN, _OUT_OTHER + behind_barrier)
        return (self.address, *(self.out_address + _WORD * place for place in places))

    @property
    def accesses_own(self) -> int | Absent:
        """The address of the access that it makes out of line on its thread's own memory alone."""
        locked = self.access == Access.READ_MODIFY_WRITE
        return NOT_APPLICABLE if locked or len(self.accesses) == 1 else self.accesses[1]

    def covers_out_of_line(self, pc: int) -> bool:
        """Whether `pc` is in its out-of-line form."""
        if not isinstance(self.out_address, int) or not isinstance(self.out_end, int):
            return False
        return self.out_address <= pc < self.out_end

    @property
    def starts_over(self) -> bool:
        """Whether it is a critical section of rseq(2), which each interruption starts over."""
        return isinstance(self.abort_address, int) and self.abort_address != 0


class Mode(StrEnum):
    """A memop's forms; the value is the name in the schema.

    `EITHER` goes by the memory's tag, out of line. `MIXED` is never recorded: its words are of
    different forms, as in the middle of a patch.
    """

    LOCAL = "Local"
    SHARED = "Shared"
    EITHER = "Either"
    MIXED = "Mixed"


@dataclass(frozen=True, slots=True)
class Word:
    """One instruction word of a memop.

    Attributes:
        part: 1 for the tag insert, 2 for the access.
        address: where it stands.
        word: its 32 bits.
        mode: which form of a memop it belongs to; both (`NOT_APPLICABLE`) for a locked access.
        before: the word of the other form, where a patch replaced it.
    """

    part: int
    address: int
    word: int | Absent
    mode: Mode | Absent
    before: int | Absent = NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class MemopState:
    """A memop as recorded and as its bytes are.

    Attributes:
        memop: the record.
        words: its instruction words, [1] before [2].
        decoded: the mode that the words together have; absent where one of them is neither.
        consistent: whether the bytes are what the record says.
        in_flight: the patch that was going on.
        step: how far that patch has come, in words.
        executions: how often control came to it.
    """

    memop: Memop
    words: tuple[Word, ...]
    decoded: Mode | Absent
    consistent: bool | Absent
    in_flight: Journal | Absent = NOT_APPLICABLE
    step: str = ""
    executions: int | Absent = NOT_APPLICABLE
