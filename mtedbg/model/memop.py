"""Memops: guest memory accesses that a tag check fault can patch."""

from enum import StrEnum
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.runtime import NOT_KEPT, Journal


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
        mode: `Mode.LOCAL` or `SHARED`, as recorded; the bytes may say otherwise.
        restart_address: of the first instruction, where that reads the core id; else 0.
        abort_address: where the kernel sends a thread that it interrupts in the memop; 0 where it
            is no restartable sequence.
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
        """Whether `pc` is at the access, before it in the memop, or at its abort handler."""
        return self.start <= pc <= self.address or (self.starts_over and pc == self.abort_address)

    @property
    def starts_over(self) -> bool:
        """Whether it is a critical section of rseq(2), which each interruption starts over."""
        return isinstance(self.abort_address, int) and self.abort_address != 0


class Mode(StrEnum):
    """A memop's two forms; the value is the name in the schema.

    `MIXED` is never recorded: its words are of different forms, as in the middle of a patch.
    """

    LOCAL = "Local"
    SHARED = "Shared"
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
    """

    memop: Memop
    words: tuple[Word, ...]
    decoded: Mode | Absent
    consistent: bool | Absent
    in_flight: Journal | Absent = NOT_APPLICABLE
    step: str = ""
