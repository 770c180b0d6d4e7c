"""`guest-frame`: the guest's registers and the views of the core id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:  # noqa: ARG001
    from mtedbg.analysis.stacks.guest_frame import frame

    return frame(session, COMMAND.name, COMMAND.columns)


COMMAND = Command(
    name="guest-frame",
    summary="The guest's registers and RIP, and the three views of the core id.",
    columns=(
        Column("thread", Kind.COUNT, "the host thread"),
        Column("frame_address", Kind.ADDRESS, "of its guest frame"),
        Column("rip", Kind.ADDRESS, "the guest's instruction pointer"),
        Column("gregs", Kind.RAW, "general registers and flags, by name", shown=False),
        Column("host_core_id", Kind.TAG, "HostCoreId in the frame: the core's tag"),
        Column("r_host_core_id", Kind.TAG, "the register that shadows it in translated code"),
        Column("rseq_core_id", Kind.COUNT, "the cpu in the kernel's rseq area"),
        Column("in_jit", Kind.FLAG, "whether the thread is in translated code"),
        Column("consistent", Kind.FLAG, "whether the three views agree"),
    ),
    run=_run,
    details=(
        "In translated code the registers are in host registers, under a signal handler in its "
        "signal frame, else in the guest frame: they are taken from where they are."
    ),
    example="guest-frame --all-threads",
    per_thread=True,
)
