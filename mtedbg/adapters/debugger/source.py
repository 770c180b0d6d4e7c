"""Where a debugger's target has its mappings and tags from: what every source has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mtedbg.adapters.debugger.spans import Regions
from mtedbg.budget import Budget
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memory import Region, TagPiece
from mtedbg.model.process import SignalInfo, TagSource, TargetKind

if TYPE_CHECKING:
    from mtedbg.model.control import Protection

CHECK_MODE_ALONE = Absent(Reason.UNKNOWN, "QEMU's stub gives the check mode alone")
"""In place of a thread's control word: QEMU's `tag_ctl` is not the kernel's word."""
NO_MAPPINGS = Absent(Reason.UNKNOWN, "QEMU does not list the mappings of a machine")
"""In place of mappings: page tables change with registers, and nobody keeps a list."""
NO_KERNEL = Absent(Reason.NOT_APPLICABLE, "a machine: no thread asks a kernel")
"""In place of what a kernel keeps of a thread."""


class Source(Protocol):
    """What the program's memory is, and its tags.

    Attributes:
        kind: as in `TargetInfo`.
        tag_source: as in `TargetInfo`.
        is_machine: whether it is no program but a whole machine, whose threads are processors.
    """

    kind: TargetKind
    tag_source: TagSource
    is_machine: bool

    def regions(self) -> Regions:
        """The mappings, read again."""

    def regions_around(self, start: int, end: int) -> Sequence[Region] | None:
        """Those in [start, end), read again, where that is cheaper than all; else None."""

    def read_tags(self, start: int, end: int, regions: Regions) -> Sequence[TagPiece]:
        """The tags of [start, end), as the port has it."""

    def forget_tags(self) -> None:
        """Believes no tag that was read before."""

    def signal(self, number: int, tid: int) -> SignalInfo | Absent:
        """What stopped a thread, by the debugger's number of it and the kernel's."""

    def control_word(self, number: int, tid: int) -> int | Absent:
        """Its tagged-address control word."""

    def protection(self, tid: int) -> Protection | None:
        """As `ProtectionReader` has it; None where the debugger's own registers tell."""


@runtime_checkable
class Named(Protocol):
    """A source that has the path of the program as the dead process had it.

    Attributes:
        program: empty where it is not known.
    """

    @property
    def program(self) -> str:
        """See above."""


@runtime_checkable
class Metered(Protocol):
    """A source that is a file: what may be read of it for a report is limited.

    Attributes:
        budget: what is left.
    """

    budget: Budget


class NoTags:
    """The half of a source that has no way to tags.

    Args:
        kind: as in `TargetInfo`.
        why: there is none.
    """

    tag_source = TagSource.NONE
    is_machine = False

    def __init__(self, kind: TargetKind, why: str) -> None:
        self.kind = kind
        self._why = Absent(Reason.UNKNOWN, why)

    def regions_around(self, _start: int, _end: int) -> Sequence[Region] | None:
        """All are read."""
        return None

    def read_tags(self, start: int, end: int, _regions: Regions) -> Sequence[TagPiece]:
        """One hole."""
        return [TagPiece(start, end, self._why)]

    def forget_tags(self) -> None:
        """None is kept."""

    def protection(self, _tid: int) -> Protection | None:
        """The debugger tells."""
        return None


class OfMachine:
    """What is not known, or is not there, of a whole machine: before a source of a program."""

    is_machine = True

    def regions(self) -> Regions:
        """Not known."""
        return NO_MAPPINGS

    def regions_around(self, _start: int, _end: int) -> Sequence[Region] | None:
        """None are known."""
        return None

    def signal(self, _number: int, _tid: int) -> SignalInfo | Absent:
        """Processors get none."""
        return NOT_APPLICABLE

    def control_word(self, _number: int, _tid: int) -> int | Absent:
        """A processor has only the mode, in SCTLR_EL1."""
        return NO_KERNEL
