"""What code holds a PC, whoever knows of it."""

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent, present
from mtedbg.model.code import Outcome, Segment
from mtedbg.model.foreign_code import CodeSource
from mtedbg.model.source import SourceLine


@dataclass(frozen=True, slots=True)
class HeldBlock:
    """The block, object or line of a source that holds a PC.

    Attributes:
        number: by which the source knows it.
        kind: of a debug root's block its `BlockKind`; else what the source has: "ELF object",
            or the JIT's own word for it: "trace".
        start: its first address.
        end: one past its last.
        tier: the translator that made it.
        state: a `BlockState`.
        generation: of the code map when it was inserted.
        noun: what people call one: "block", "object", "line".
    """

    number: int | Absent
    kind: str
    start: int
    end: int
    tier: str | Absent = NOT_APPLICABLE
    state: str | Absent = NOT_APPLICABLE
    generation: int | Absent = NOT_APPLICABLE
    noun: str = "block"


@dataclass(frozen=True, slots=True)
class HeldRange:
    """The part of a block that holds a PC, and has a name.

    Attributes:
        kind: of a debug root's range its `RangeKind`; else "symbol".
        start: its first address.
        end: one past its last.
        symbol: a name of its own.
    """

    kind: str
    start: int
    end: int
    symbol: str | Absent


@dataclass(frozen=True, slots=True)
class CodePlace:
    """What one source knows of the code at a PC.

    Attributes:
        pc: the address that was asked about.
        source: who says it.
        outcome: what the PC is in.
        block: the block that holds it, or why none does.
        range: the part of the block that holds it, or why none does.
        function: the function that it is of.
        segment: the span of memory for code that it is in, where it is between blocks.
        guest_rip: the guest instruction that it came from.
        line: the line of the guest's or the script's source.
        memop: id of the memop there.
        detail: what is wrong, where the outcome says that something is.
        notes: remarks for people.
        version: of the JIT whose layout was read; empty where the source has one layout.
        executions: how often control came to the memop there.
    """

    pc: int
    source: CodeSource
    outcome: Outcome
    block: HeldBlock | Absent = NOT_APPLICABLE
    range: HeldRange | Absent = NOT_APPLICABLE
    function: str | Absent = NOT_APPLICABLE
    segment: Segment | Absent = NOT_APPLICABLE
    guest_rip: int | Absent = NOT_APPLICABLE
    memop: int | Absent = NOT_APPLICABLE
    detail: str = ""
    notes: tuple[str, ...] = ()
    line: SourceLine | Absent = NOT_APPLICABLE
    version: str = ""
    executions: int | Absent = NOT_APPLICABLE

    @property
    def by(self) -> str:
        """Who says it, for people: the source, or the JIT with its version."""
        return self.version or str(self.source)

    @property
    def is_known(self) -> bool:
        """Whether the source has code, or room for code, where the PC is."""
        return present(self.block) or present(self.segment)

    @property
    def is_hole(self) -> bool:
        """Whether the source may have code there, and cannot tell."""
        return isinstance(self.block, Absent) and self.block.is_hole

    @property
    def lacks_name(self) -> bool:
        """Whether the source has a block there, but no part of it that has a name."""
        return present(self.block) and not present(self.range)
