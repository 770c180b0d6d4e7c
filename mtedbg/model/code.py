"""Translated code: blocks, ranges, segments, functions, and what a PC turned out to be in."""

from enum import Enum, StrEnum
from typing import ClassVar

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.runtime import NOT_KEPT

NO_FUNCTION = 0xFFFF_FFFF
"""A range's function index where it belongs to none."""


class BlockKind(StrEnum):
    """What a block is for; the value is the name in the schema, as in the enums below."""

    SHARED_STUBS = "SharedStubs"
    BASELINE_TIER = "BaselineTier"
    OPTIMIZED_TIER = "OptimizedTier"
    LAZY_STUBS = "LazyStubs"


class BlockState(StrEnum):
    """How far a block is in its life."""

    BUILDING = "Building"
    PUBLISHED = "Published"
    RETIRED = "Retired"
    UNMAPPED = "Unmapped"


class Tier(StrEnum):
    """The translator that made a block."""

    NONE = "None"
    BASELINE = "Baseline"
    OPTIMIZED = "Optimized"


class RangeKind(StrEnum):
    """What a range of a block is."""

    FUNCTION = "Function"
    ENTRY_STUB = "EntryStub"
    IMPORT_THUNK = "ImportThunk"
    BUILTIN_THUNK = "BuiltinThunk"
    FAULT_TRAMPOLINE = "FaultTrampoline"
    THROW = "Throw"
    DEBUG_STUB = "DebugStub"


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: [base, base + length) in host memory.

    `kind`, `tier` and `state` are a `BlockKind`, `Tier` and `BlockState`, or names that are not
    known here.
    """

    RECORD: ClassVar[str] = "Block"
    ORDER: ClassVar[str] = "base"
    """The field that lists are sorted by."""

    base: int
    length: int
    id: int
    ranges: int
    range_count: int
    memops: int
    memop_count: int
    kind: str
    tier: str | Absent = NOT_KEPT
    state: str | Absent = NOT_KEPT
    generation: int | Absent = NOT_KEPT
    segment: int | Absent = NOT_KEPT
    ranges_checksum: int | Absent = NOT_KEPT
    supersedes: int | Absent = NOT_KEPT
    superseded_by: int | Absent = NOT_KEPT
    reason: int | Absent = NOT_KEPT
    reason_length: int | Absent = NOT_KEPT
    code: int | Absent = NOT_KEPT
    details: int | Absent = NOT_KEPT

    @property
    def end(self) -> int:
        """One past its last address."""
        return self.base + self.length

    @property
    def has_tier(self) -> bool:
        """Whether a tier made it: stubs have none."""
        return self.tier != Tier.NONE


@dataclass(frozen=True, slots=True)
class Details:
    """What few JITs tell of a block; addresses and counts of 0 where it is not told.

    `inlines` are `inline_count` records of `Inline`, `patches` `patch_count` of `Patch`.
    `call_frames` is the address of an .eh_frame section of `call_frames_size` bytes.
    """

    RECORD: ClassVar[str] = "Details"

    owner: int = 0
    owner_length: int = 0
    inlines: int = 0
    inline_count: int = 0
    patches: int = 0
    patch_count: int = 0
    call_frames: int = 0
    call_frames_size: int = 0
    moved_from: int = 0
    moved_to: int = 0


@dataclass(frozen=True, slots=True)
class Inline:
    """A function in [begin, end), offsets from a block's base, within another's code."""

    RECORD: ClassVar[str] = "Inline"

    begin: int
    end: int
    name: int
    file: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Patch:
    """A place that is written while the code lives; `name` is the address of a text."""

    RECORD: ClassVar[str] = "Patch"

    address: int
    size: int
    name: int = 0
    times: int | Absent = NOT_KEPT


@dataclass(frozen=True, slots=True)
class Program:
    """A translated program: what blocks are of, by `Block.code`."""

    RECORD: ClassVar[str] = "Code"

    id: int
    name: int
    name_length: int
    guest_begin: int | Absent = NOT_KEPT
    guest_end: int | Absent = NOT_KEPT
    digest: int | Absent = NOT_KEPT
    load_bias: int | Absent = NOT_KEPT
    build_id: int | Absent = NOT_KEPT
    build_id_length: int | Absent = NOT_KEPT
    path: int | Absent = NOT_KEPT
    path_length: int | Absent = NOT_KEPT


class FrameKind(StrEnum):
    """How a range's frame is left."""

    UNKNOWN = "Unknown"
    LEAF = "Leaf"
    RECORD = "Record"
    CALL_FRAMES = "CallFrames"


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a block that has a name; `begin` and `end` are offsets from its base.

    `kind` is a `RangeKind`, `frame` a `FrameKind`, or a name that is not known here. `lines` is the
    address of `line_count` records of `Line`.
    """

    RECORD: ClassVar[str] = "Range"

    begin: int
    end: int
    kind: str
    function: int = NO_FUNCTION
    guest_rip: int | Absent = NOT_KEPT
    callee_block: int | Absent = NOT_KEPT
    symbol: int | Absent = NOT_KEPT
    symbol_length: int | Absent = NOT_KEPT
    frame: str | Absent = NOT_KEPT
    frame_size: int | Absent = NOT_KEPT
    line_count: int | Absent = NOT_KEPT
    lines: int | Absent = NOT_KEPT


@dataclass(frozen=True, slots=True)
class Line:
    """The source of the code of a block from `begin` on; `file` is the address of a path."""

    RECORD: ClassVar[str] = "Line"

    begin: int
    line: int
    file: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of executable memory that blocks are placed in."""

    RECORD: ClassVar[str] = "Segment"

    id: int
    base: int
    capacity: int
    used: int | Absent = NOT_KEPT
    blocks: int | Absent = NOT_KEPT
    references: int | Absent = NOT_KEPT


@dataclass(frozen=True, slots=True)
class Function:
    """A guest function."""

    RECORD: ClassVar[str] = "Function"
    ORDER: ClassVar[str] = "index"

    index: int
    name: int
    name_length: int
    guest_begin: int | Absent = NOT_KEPT
    guest_end: int | Absent = NOT_KEPT
    block: int | Absent = NOT_KEPT


class Outcome(Enum):
    """What a PC is in, or which kind of nowhere."""

    RANGE = "range"
    BLOCK_NO_RANGE = "block-no-range"
    SEGMENT_PADDING = "segment-padding"
    BUILTIN_THUNK = "builtin-thunk"
    RETIRED = "retired"
    NOT_JIT = "not-jit"
    METADATA_NOT_DUMPED = "metadata-not-dumped"
    UNSTABLE = "unstable"
    CORRUPT = "corrupt"
    UNKNOWN_VERSION = "unknown-version"
    CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a PC is.

    Attributes:
        pc: the address that was asked about.
        outcome: the kind of place.
        block: the block that holds it.
        range: the range of that block that holds it.
        segment: the segment, where the PC is between the blocks of one.
        notes: remarks for people: an older generation was read, a change was in flight.
        detail: what is wrong, where the outcome says that something is.
    """

    pc: int
    outcome: Outcome
    block: Block | Absent = NOT_APPLICABLE
    range: Range | Absent = NOT_APPLICABLE
    segment: Segment | Absent = NOT_APPLICABLE
    notes: tuple[str, ...] = ()
    detail: str = ""

    @property
    def in_jit(self) -> bool:
        """Whether the PC is in translated code, dead or alive."""
        return isinstance(self.block, Block)
