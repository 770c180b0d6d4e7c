"""`mte-fault`: the tag check fault that a thread stopped on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:  # noqa: ARG001
    from mtedbg.analysis.fault.fault import fault

    return fault(session, COMMAND.name, COMMAND.columns)


COMMAND = Command(
    name="mte-fault",
    summary="The tag check fault that this thread stopped on.",
    columns=(
        Column("signal", Kind.TEXT, "the signal"),
        Column("code", Kind.COUNT, "si_code"),
        Column("code_name", Kind.TEXT, "its name: SEGV_MTESERR is synchronous, SEGV_MTEAERR not"),
        Column("fault_address_raw", Kind.RAW, "si_addr; bits 63:60 are undefined"),
        Column("address", Kind.ADDRESS, "the same without tag: anywhere in the access"),
        Column("logical_tag", Kind.TAG, "the pointer's tag"),
        Column("allocation_tags", Kind.LIST, "the tag of each granule that the access touches"),
        Column("pc", Kind.ADDRESS, "where the thread stopped"),
        Column("instruction", Kind.TEXT, "the instruction there"),
        Column("access", Kind.TEXT, "load, store, read-modify-write…"),
        Column("size", Kind.SIZE, "bytes that it accesses"),
        Column("base_register", Kind.LIST, "its base register: name, value, the value's tag"),
        Column("memop", Kind.COUNT, "id of the runtime's memop here"),
        Column("transition", Kind.TEXT, "what the runtime will do about it"),
        Column("imprecise", Kind.FLAG, "whether the PC is not the culprit"),
        Column(
            "candidates",
            Kind.LIST,
            "where imprecise: registers and stack slots that mismatch, likeliest first",
        ),
    ),
    run=_run,
    details=(
        "A synchronous fault names its address, and the PC is the instruction. An asynchronous one "
        "is reported at a later entry to the kernel: what is left are registers to suspect."
    ),
    example="mte-fault --json",
    per_thread=True,
)
