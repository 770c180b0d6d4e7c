"""`mte-catch`: stops at phases of fault handling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command, Option
from mtedbg.model.phase import PHASES, Direction
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.stepping import catch

    words = arguments.phase
    if arguments.list:
        return catch.caught(session, COMMAND.name, COMMAND.columns)
    if arguments.delete:
        return catch.release(session, COMMAND.name, COMMAND.columns, words)
    return catch.catch(
        session,
        COMMAND.name,
        COMMAND.columns,
        words,
        memop=arguments.memop,
        function=arguments.function,
        thread=arguments.thread,
    )


COMMAND = Command(
    name="mte-catch",
    summary="Stops the program at phases of fault handling.",
    columns=(
        Column("number", Kind.COUNT, "of the debugger's breakpoint"),
        Column("phase", Kind.TEXT, "where it stops: before the effect of this phase"),
        Column("address", Kind.ADDRESS, "of the phase"),
        Column("direction", Kind.TEXT, "only patches in this direction"),
        Column("memop", Kind.COUNT, "only faults at this memop"),
        Column("function", Kind.TEXT, "only faults in this guest function"),
        Column("thread", Kind.COUNT, "only this thread"),
        Column("enabled", Kind.FLAG, "whether it stops the program"),
        Column("hits", Kind.COUNT, "how often a thread came there, as the debugger counts"),
    ),
    run=_run,
    arguments=(
        Argument(
            "PHASE",
            f"{', '.join(PHASES)}; all if left out. {Direction.LOCAL_SHARED.value} or"
            f" {Direction.SHARED_LOCAL.value} among them: only patches in this direction",
            "text",
            optional=True,
            many=True,
            choices=(*PHASES, *(one.value for one in Direction)),
        ),
    ),
    options=(
        Option("--memop", "only faults at the memop with this id", "ID", "count", offers="MEMOP"),
        Option("--function", "only faults in this guest function", "NAME", offers="FUNCTION"),
        Option("--thread", "only this thread", "N", "count", offers="THREAD"),
        Option("--list", "lists what there is, and makes nothing"),
        Option("--delete", "deletes those of the phases named, or all"),
    ),
    details=(
        "They are ordinary breakpoints: the debugger lists, disables and deletes them as any "
        "other, and they go with the process. `mte-step --here` shows where the program has "
        "stopped, `mte-step` goes on from phase to phase. The debugger stops on the fault's "
        "signal as well, before the handler, unless told otherwise: GDB by `handle SIGSEGV "
        "nostop noprint pass`, LLDB by `process handle --stop false --notify false --pass true "
        "SIGSEGV`. With that, a fault that is nobody's ends the program without a stop.\n\n"
        "Before phase retag nothing is decided: the direction is then what tags and mode would "
        "lead to as they are."
    ),
    example="mte-catch patch-memop shared-local --memop 12",
    repeats=False,
)
