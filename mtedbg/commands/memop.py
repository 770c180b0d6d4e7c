"""`memop`: the backpatch state of one memop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.memops.memop import memop

    return memop(session, COMMAND.name, COMMAND.columns, arguments.values["pc|id"])


COMMAND = Command(
    name="memop",
    summary="One memop: its recorded mode, what its bytes say, and what has happened to it.",
    columns=(
        Column("id", Kind.COUNT, "its number"),
        Column("address", Kind.ADDRESS, "of the access [2]"),
        Column("block", Kind.COUNT, "the code block that it is in"),
        Column("guest_rip", Kind.ADDRESS, "the guest instruction that it comes from"),
        Column("access", Kind.TEXT, "Load, Store, ReadModifyWrite"),
        Column("size", Kind.SIZE, "bytes that it accesses"),
        Column("mode", Kind.TEXT, "Local or Shared, as the runtime records it"),
        Column("mode_decoded", Kind.TEXT, "the same from its instruction words; Mixed in a patch"),
        Column("consistent", Kind.FLAG, "whether record and words agree"),
        Column("flips", Kind.COUNT, "how often it was patched"),
        Column("pinned", Kind.FLAG, "whether it stays shared for good"),
        Column("last_fault", Kind.LIST, "its last tag check fault"),
        Column(
            "instructions",
            Kind.LIST,
            "tag insert [1] and access [2]: word, text, mode, and what the last patch replaced",
        ),
    ),
    run=_run,
    arguments=(
        Argument(
            "PC|ID",
            "an address from [1] to [2], or the memop's number; $pc if left out",
            optional=True,
            offers="MEMOP",
        ),
    ),
    example="memop $pc",
    per_thread=True,
)
