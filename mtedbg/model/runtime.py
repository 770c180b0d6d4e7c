"""What a runtime says of itself: the records that every debug root has.

A class here is one record of the schema (`RECORD`), its attributes are fields of that record by
the same names. A field without a default is required by whoever reads the record; one with a
default may be missing in a runtime that does not keep it. Enum fields are the names of the values.
"""

from enum import StrEnum
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.operation import OF_CODE, Operation

THREADS = "threads"
"""The table of guest threads, by its name in the debug root."""

ENDING = "ending"
"""The record of why the guest ends the process, by its name in the debug root."""

NOT_KEPT = Absent(Reason.NOT_RECORDED, "this runtime does not keep it")


class RuntimeState(StrEnum):
    """How far a runtime is, in the order of the values in its debug root."""

    NOT_READY = "not ready"
    READY = "ready"
    SHUTTING_DOWN = "shutting down"


class Form(StrEnum):
    """In which form something hangs on the debug root; the value is the name in the schema."""

    RECORD = "Record"
    ARRAY = "Array"
    TABLE = "Table"
    SLOTS = "Slots"


class Policy(StrEnum):
    """What the fault handler does where there is a choice; the value is the name in the schema."""

    SEED = "Seed"
    STICKY = "Sticky"
    INTERPRET = "Interpret"
    FOLLOW = "Follow"


class CoreIdSource(StrEnum):
    """Where the core id comes from; the value is the name in the schema."""

    PINNED = "Pinned"
    RSEQ_READ = "RseqRead"
    RSEQ_STRICT = "RseqStrict"
    LOCKSTEP = "Lockstep"
    THREAD = "Thread"


@dataclass(frozen=True, slots=True)
class Named:
    """One named root: where something hangs, in which form and of which record."""

    RECORD: ClassVar[str] = "Named"

    name: int
    type_name: int
    address: int
    count: int
    stride: int
    form: str


@dataclass(frozen=True, slots=True)
class Table:
    """A double-buffered table: generation `published` stands in the buffer of its parity."""

    RECORD: ClassVar[str] = "Table"

    published: int
    buffer0: int
    buffer1: int


@dataclass(frozen=True, slots=True)
class Buffer:
    """The header of one buffer of a table."""

    RECORD: ClassVar[str] = "Buffer"

    gen_begin: int
    count: int
    capacity: int
    stride: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Slots:
    """A table in slots: `count` slots, `chunk_slots` a chunk; `published` counts its changes.

    `chunks` is the address of the directory, which has a slot of `Chunk` for each chunk, and room
    for `chunk_capacity` of them.
    """

    RECORD: ClassVar[str] = "Slots"

    published: int
    count: int
    chunks: int
    chunk_slots: int
    stride: int
    chunk_capacity: int


@dataclass(frozen=True, slots=True)
class Slot:
    """The header of a slot: generation g of its record stands in copy g & 1."""

    RECORD: ClassVar[str] = "Slot"

    generation: int
    checksum0: int
    checksum1: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Where the slots of a chunk are; its records concern addresses in [low, high) only."""

    RECORD: ClassVar[str] = "Chunk"

    address: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Config:
    """How the runtime was started.

    Attributes:
        shared_tag: the tag of shared memory, 0 or 15.
        cores: how many cores guest threads are spread over.
        policy: what the fault handler does where there is a choice, a `Policy`.
        core_id_source: where the core id comes from, a `CoreIdSource`.
        memops_start: the mode that a new memop is emitted in.
        pin_threshold: flips after which a memop is pinned to shared.
        claim_threshold: faults after which a memop takes memory back for its core; 0: never.
        interpret_threshold: faults after which policy interpret patches a memop; 0: never.
        guard_tag: memory has it while it changes hands; the shared tag where there is none.
        nobody_tag: what pointers of cores without a tag have; 16 where every core has one, the
            shared tag where the runtime does not know of such cores.
    """

    RECORD: ClassVar[str] = "Config"

    shared_tag: int
    cores: int | Absent = NOT_KEPT
    policy: str | Absent = NOT_KEPT
    core_id_source: str | Absent = NOT_KEPT
    memops_start: str | Absent = NOT_KEPT
    pin_threshold: int | Absent = NOT_KEPT
    claim_threshold: int | Absent = NOT_KEPT
    interpret_threshold: int | Absent = NOT_KEPT
    guard_tag: int | Absent = NOT_KEPT
    nobody_tag: int | Absent = NOT_KEPT


@dataclass(frozen=True, slots=True)
class Journal:
    """What was being changed: a slot is filled before a change begins and cleared last.

    `operation` is an `Operation`, or a name that is not known here.
    """

    RECORD: ClassVar[str] = "Journal"

    operation: str
    phase: str
    thread: int
    block: int
    memop: int
    address: int
    old_tag: int
    new_tag: int
    old_mode: str
    new_mode: str

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return self.operation == Operation.NONE

    @property
    def has_phases(self) -> bool:
        """Whether it is made by a fault handler, step by step; changes of the code map are not."""
        return self.operation not in OF_CODE


@dataclass(frozen=True, slots=True)
class GuestThread:
    """One guest thread and the host thread that runs it (several may share one)."""

    RECORD: ClassVar[str] = "Thread"

    id: int
    host_tid: int
    frame: int
    recorder: int


@dataclass(frozen=True, slots=True)
class Ending:
    """What the guest did that ends the process; all zeros before.

    Attributes:
        thread: the guest thread that did it.
        rip: where.
        signal: that it dies of; 0 where the runtime ends with an error.
        reason: address of a text of `reason_length` bytes.
    """

    RECORD: ClassVar[str] = "Ending"

    thread: int
    rip: int
    reason: int
    reason_length: int
    signal: int


@dataclass(frozen=True, slots=True)
class SentSignal:
    """The last signal that the guest has sent to itself and that ends it; zeros where none.

    Attributes:
        sent_signal: its number.
        sent_by: number of the system call.
    """

    RECORD: ClassVar[str] = "Ending"

    sent_signal: int
    sent_by: int


@dataclass(frozen=True, slots=True)
class MissingCalls:
    """The system calls that the guest has made and its runtime does not have; zeros where none.

    Attributes:
        missing: address of a text of `missing_length` bytes: the first calls by their names.
    """

    RECORD: ClassVar[str] = "Ending"

    missing: int
    missing_length: int
