"""One AArch64 instruction and what it does to memory."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, Reason

SP = 31
"""Number of the stack pointer as a base register."""

PC = 32
"""Number that stands for the program counter as a base (literal loads)."""

VECTOR = 33
"""Number that stands for a vector register as a base (SVE)."""

ZR = 31
"""Number of the zero register as an index register."""

LENGTH = "vg"
"""The pseudo register with the SVE vector length in 64-bit units: also an eighth of it in bytes."""

_WORD = (1 << 64) - 1


class AccessKind(Enum):
    """What an instruction does to the memory that it names."""

    LOAD = "load"
    STORE = "store"
    RMW = "read-modify-write"
    PREFETCH = "prefetch"
    TAG_LOAD = "tag load"
    TAG_STORE = "tag store"


class Ordering(Enum):
    """How an access is ordered against others of its thread."""

    PLAIN = "plain"
    ACQUIRE = "acquire"  # LDAR, LDAXR
    ACQUIRE_PC = "acquire-pc"  # LDAPR, LDAPUR: may pass an earlier store-release
    RELEASE = "release"
    ACQUIRE_RELEASE = "acquire-release"


class Extend(Enum):
    """What is done to an index register before it is shifted and added."""

    UXTW = 0b010
    LSL = 0b011
    SXTW = 0b110
    SXTX = 0b111

    def apply(self, value: int) -> int:
        """The extended 64-bit `value`."""
        if self in (Extend.LSL, Extend.SXTX):
            return value & _WORD
        low = value & 0xFFFF_FFFF
        return low - (1 << 32) if self is Extend.SXTW and low >> 31 else low


@dataclass(frozen=True, slots=True)
class Index:
    """An index register: its number (31 is zero), how it is extended, and shifted left by."""

    register: int
    extend: Extend
    shift: int


@dataclass(frozen=True, slots=True)
class Copy:
    """The other registers of a memory copy or set (FEAT_MOPS), by number.

    Attributes:
        count: holds how many bytes are left.
        source: holds the address that is read; None of a set.
    """

    count: int
    source: int | None


@dataclass(frozen=True, slots=True)
class MemoryAccess:
    """What an instruction reads or writes.

    Attributes:
        kind: load, store…
        size: bytes in all, both registers of a pair together; absent where the encoding does
            not tell.
        base: number of the base register; `SP`, or `PC` for a literal.
        offset: bytes added to the base before the access (none for post-index).
        index: the index register, where there is one.
        writeback: bytes added to the base register by the instruction: pre- or post-index by an
            immediate; None where it leaves the base alone or adds a register to it.
        ordering: acquire, release.
        exclusive: whether it is a load- or store-exclusive.
        checked: whether the tag is checked (Arm ARM D10.4 "Tag checked and unchecked accesses").
        align: the address is rounded down to a multiple of this.
        vectors: eighths of the SVE vector length that are added to the base.
        reach: eighths of the vector length that are accessed at most; 0 where `size` tells.
        scattered: whether each element has an address of its own, in a vector register.
        copy: of a memory copy or set, what its registers mean; None of all else.
    """

    kind: AccessKind
    size: int | Absent
    base: int
    offset: int = 0
    index: Index | None = None
    writeback: int | None = None
    ordering: Ordering = Ordering.PLAIN
    exclusive: bool = False
    checked: bool = True
    align: int = 1
    vectors: int = 0
    reach: int = 0
    scattered: bool = False
    copy: Copy | None = None

    @property
    def base_name(self) -> str:
        """The base register's name: "x16", "sp" or "pc"."""
        names = {SP: "sp", PC: "pc", VECTOR: "a vector register"}
        return names.get(self.base, f"x{self.base}")

    def most(self, registers: Mapping[str, int]) -> int | Absent:
        """The bytes that it may access at most, from the effective address on."""
        if not self.reach:
            return self.size
        eighth = registers.get(LENGTH, 0)
        return self.reach * eighth if eighth else Absent(Reason.UNKNOWN, "the vector length")

    def pointer(self, registers: Mapping[str, int]) -> int | Absent:
        """The effective address before the access, with the tag that it carries.

        Args:
            registers: values by name, as they are when the instruction begins.
        """
        if self.scattered:
            return Absent(Reason.UNKNOWN, "the addresses are in a vector register")
        base = registers.get(self.base_name)
        if base is None:
            return Absent(Reason.UNREADABLE, f"register {self.base_name}")
        value = base + self.offset
        if self.vectors and not registers.get(LENGTH):
            return Absent(Reason.UNKNOWN, "the vector length")
        value += self.vectors * registers.get(LENGTH, 0)
        if self.index is not None and self.index.register != ZR:
            added = registers.get(f"x{self.index.register}")
            if added is None:
                return Absent(Reason.UNREADABLE, f"register x{self.index.register}")
            value += self.index.extend.apply(added) << self.index.shift
        # The sum is one 64-bit number: a carry out of bit 55 reaches the tag, as in hardware.
        return value & _WORD & ~(self.align - 1)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction.

    Attributes:
        address: where it stands.
        word: its 32 bits.
        text: as an assembler writes it.
        access: what it does to memory; `NOT_APPLICABLE` where nothing.
    """

    address: int
    word: int
    text: str
    access: MemoryAccess | Absent
