"""What to do about a tag that is not there."""

from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.pointer import KERNEL_HALF, logical_tag

_STEPS = {
    Reason.UNMAPPED: "`mte-regions` lists what is mapped and tagged",
    Reason.NOT_TAGGED: "accesses there are not checked; `mte-regions` lists what is tagged",
    Reason.NOT_DUMPED: "write cores with bit 0 of /proc/PID/coredump_filter set, and without"
    " MADV_DONTDUMP there",
}

_PLAIN_TAG = 15
_DETAILED = (Reason.NOT_DUMPED, Reason.NOT_TAGGED)
_MATCH_ALL = (
    "accesses to the kernel's half with tag 15, which plain addresses have, are not checked where"
    " TCR_EL1.TCMA1 is set, as in Linux"
)


def unchecked(pointer: int, tag: int | Absent) -> tuple[str, ...]:
    """That a mismatch may not matter: a plain address of a kernel (Arm ARM, DDI 0487, D10.4.1).

    Args:
        pointer: with its tag.
        tag: of the memory.
    """
    plain = pointer & KERNEL_HALF and logical_tag(pointer) == _PLAIN_TAG
    return (_MATCH_ALL,) if plain and present(tag) and tag != _PLAIN_TAG else ()


def next_step(tag: int | Absent) -> tuple[str, ...]:
    """What to do where `tag` is not there, one line; none where it is, or nothing can be done."""
    # What has a detail is missing for another reason: a cut file, no kernel's core, no mappings.
    fits = isinstance(tag, Absent) and not (tag.reason in _DETAILED and tag.detail)
    step = _STEPS.get(tag.reason) if isinstance(tag, Absent) and fits else None
    return () if step is None else (step,)
