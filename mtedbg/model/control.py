"""How a thread has its memory accesses checked."""

from dataclasses import dataclass

from mtedbg.model.absent import Absent


@dataclass(frozen=True, slots=True)
class TagControl:
    """What a thread asked the kernel for.

    Attributes:
        tagged_addr: whether system calls take tagged pointers.
        tcf: what a tag check fault does: "none", "sync", "async", "sync or async" (the cpu's
            preference decides), "asymm" (reads sync, writes async).
        include_mask: bit n is set where IRG may choose tag n.
        store_only: whether loads go unchecked.
    """

    tagged_addr: bool | Absent
    tcf: str | Absent
    include_mask: int | Absent
    store_only: bool | Absent
