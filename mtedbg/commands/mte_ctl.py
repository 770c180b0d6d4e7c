"""`mte-ctl`: how each thread has its memory accesses checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:  # noqa: ARG001
    from mtedbg.analysis.tags.control import control

    return control(session, COMMAND.name, COMMAND.columns)


COMMAND = Command(
    name="mte-ctl",
    summary="Of every thread: tagged-address ABI, check mode, and the tags that IRG may choose.",
    columns=(
        Column("thread", Kind.COUNT, "its number"),
        Column("tagged_addr", Kind.FLAG, "whether system calls take tagged pointers"),
        Column("tcf", Kind.TEXT, "tag check faults: none, sync, async, sync or async, asymm"),
        Column("include_mask", Kind.TEXT, "bit n is set where IRG may choose tag n"),
        Column("store_only", Kind.FLAG, "whether loads go unchecked"),
    ),
    run=_run,
    details=(
        "These are the bits of prctl(PR_SET_TAGGED_ADDR_CTRL) (NT_ARM_TAGGED_ADDR_CTRL in a core). "
        "A thread may ask for sync and async both: the kernel then takes what the cpu prefers."
    ),
    example="mte-ctl",
)
