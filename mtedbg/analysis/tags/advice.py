"""What to do about a tag that is not there."""

from mtedbg.model.absent import Absent, Reason

_STEPS = {
    Reason.UNMAPPED: "`mte-regions` lists what is mapped and tagged",
    Reason.NOT_TAGGED: "accesses there are not checked; `mte-regions` lists what is tagged",
    Reason.NOT_DUMPED: "write cores with bit 0 of /proc/PID/coredump_filter set, and without"
    " MADV_DONTDUMP there",
}


def next_step(tag: int | Absent) -> tuple[str, ...]:
    """What to do where `tag` is not there, one line; none where it is, or nothing can be done."""
    step = _STEPS.get(tag.reason) if isinstance(tag, Absent) else None
    return () if step is None else (step,)
