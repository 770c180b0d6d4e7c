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
    # What has a detail is missing for another reason: a cut file, or no kernel's core.
    fits = isinstance(tag, Absent) and not (tag.reason is Reason.NOT_DUMPED and tag.detail)
    step = _STEPS.get(tag.reason) if isinstance(tag, Absent) and fits else None
    return () if step is None else (step,)
