"""What was given out as one piece of memory: by an allocator, a function's frame, a linker."""

from enum import Enum

from mtedbg.dataclass import dataclass


class ObjectState(Enum):
    """Whether an object may be used; the value is what reports say."""

    LIVE = "allocated"
    FREED = "freed"
    QUARANTINED = "freed, in quarantine"
    SPARE = "not allocated"  # the top of a heap, a slot that never was given out


@dataclass(frozen=True, slots=True)
class MemoryObject:
    """An object, as its allocator's own records or the debug information have it.

    Attributes:
        allocator: who gave it out: "glibc", "Scudo", "hardened_malloc", "stack", "global".
        start: its first byte, without tag.
        size: bytes that its user may use.
        state: whether it may be used now.
        exact: whether `size` is what was asked for, and not rounded up as glibc does.
        name: of a variable; empty of heap memory.
        function: whose variable it is; empty of heap memory.
        source: where the variable is declared, "file.c:12"; empty where not known.
        last_tag: the tag that its pointer had last, where its allocator keeps that.
    """

    allocator: str
    start: int
    size: int
    state: ObjectState
    exact: bool = True
    name: str = ""
    function: str = ""
    source: str = ""
    last_tag: int | None = None

    @property
    def end(self) -> int:
        """One past its last byte."""
        return self.start + self.size

    @property
    def is_free(self) -> bool:
        """Whether it was given back."""
        return self.state in (ObjectState.FREED, ObjectState.QUARANTINED)
