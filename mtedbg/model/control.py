"""How a thread has its memory accesses checked."""

from enum import StrEnum

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent


class CheckMode(StrEnum):
    """What a tag check fault does."""

    NONE = "none"
    SYNC = "sync"
    ASYNC = "async"
    EITHER = "sync or async"  # both were asked for: the cpu's preference decides
    ASYMM = "asymm"  # reads are checked synchronously, writes asynchronously


@dataclass(frozen=True, slots=True)
class TagControl:
    """What a thread asked the kernel for.

    Attributes:
        tagged_addr: whether system calls take tagged pointers.
        tcf: what a tag check fault does.
        include_mask: bit n is set where IRG may choose tag n.
        store_only: whether loads are not checked.
    """

    tagged_addr: bool | Absent
    tcf: CheckMode | Absent
    include_mask: int | Absent
    store_only: bool | Absent


def is_late(mode: CheckMode | Absent) -> bool:
    """Whether a tag check fault may be reported after the access."""
    return mode in (CheckMode.ASYNC, CheckMode.EITHER, CheckMode.ASYMM)
