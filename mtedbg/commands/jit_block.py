"""`jit-block`: the code block and range that hold a PC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.code.block import block

    return block(session, COMMAND.name, COMMAND.columns, arguments.pc)


COMMAND = Command(
    name="jit-block",
    summary="The code block and range that hold PC, or which kind of nowhere it is.",
    columns=(
        Column("outcome", Kind.TEXT, "what PC is in; see below"),
        Column("source", Kind.TEXT, "who says so: debug root, GDB JIT interface, perf map"),
        Column("block", Kind.LIST, "the code block: id, kind, tier, first and end address, state"),
        Column("range", Kind.LIST, "the range of it: kind, first and end address, symbol"),
        Column("function", Kind.TEXT, "the guest function that it belongs to"),
        Column("guest_rip", Kind.ADDRESS, "guest address: of the memop at PC, else of the range"),
        Column("memop", Kind.COUNT, "id of the memop at PC"),
    ),
    run=_run,
    arguments=(Argument("PC", "a host address"),),
    details=(
        "Outcomes: range; builtin-thunk (a range of that kind); block-no-range (in a block, "
        "between its ranges); segment-padding (between blocks); retired (in a block that was "
        "taken out); not-jit; and where the code map fails: metadata-not-dumped, unstable (it "
        "changes while it is read), corrupt.\n\n"
        "A JIT without a debug root is asked by GDB's JIT interface (the ELF objects that it has "
        "registered, read from its memory) and, alive, by perf's map (/tmp/perf-PID.map on the "
        "machine where it runs)."
    ),
    example="jit-block $pc",
)
