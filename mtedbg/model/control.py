"""How a thread has its memory accesses checked."""

from enum import StrEnum

from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent


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


@dataclass(frozen=True, slots=True)
class ShadowStack:
    """A thread's Guarded Control Stack.

    Attributes:
        enabled: what prctl(PR_SET_SHADOW_STACK_STATUS) has switched on, as its bits.
        locked: what can no longer be changed, in the same bits.
        pointer: GCSPR_EL0.
    """

    enabled: int
    locked: int
    pointer: int


@dataclass(frozen=True, slots=True)
class Protection:
    """What else guards a thread's accesses; each does not apply where the target has none of it.

    Attributes:
        shadow_stack: its Guarded Control Stack (FEAT_GCS).
        overlays: POR_EL0, four bits for each protection key (FEAT_S1POE).
    """

    shadow_stack: ShadowStack | Absent
    overlays: int | Absent


NO_PROTECTION = Protection(NOT_APPLICABLE, NOT_APPLICABLE)


def is_late(mode: CheckMode | Absent) -> bool:
    """Whether a tag check fault may be reported after the access."""
    return mode in (CheckMode.ASYNC, CheckMode.EITHER, CheckMode.ASYMM)
