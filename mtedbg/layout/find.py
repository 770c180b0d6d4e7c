"""Where the debug roots of a target are."""

from mtedbg.layout.runtime import Runtime
from mtedbg.model.absent import Absent, Reason
from mtedbg.target import Target


def find_runtimes(target: Target) -> tuple[Runtime, ...] | Absent:
    """The debug roots of `target`, or why there is none."""
    return Absent(Reason.NO_RUNTIME)
