"""Whether a pointer's tag is that of the memory that it points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.tags.span import tag_at
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent, then
from mtedbg.model.pointer import logical_tag

if TYPE_CHECKING:
    from mtedbg.session import Session


@dataclass(frozen=True, slots=True)
class TagCheck:
    """A pointer's tag and its memory's.

    Attributes:
        address: without tag and PAC bits.
        pointer_tag: the logical tag, bits 59:56 of the pointer.
        memory_tag: the allocation tag of the granule that it points to.
    """

    address: int
    pointer_tag: int
    memory_tag: int | Absent

    @property
    def match(self) -> bool | Absent:
        """Whether they are equal."""
        return then(self.memory_tag, lambda tag: tag == self.pointer_tag)


def check(session: Session, pointer: int) -> TagCheck:
    """Compares the tag in `pointer` with that of the granule it points to.

    Args:
        session: the process.
        pointer: 64 bits, tag and PAC bits kept.
    """
    address = session.strip(pointer)
    return TagCheck(address, logical_tag(pointer), tag_at(session, address))
