"""`mte-step`: to the next phase of fault handling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.stepping.step import here, step

    return (here if arguments.here else step)(session, COMMAND.name, COMMAND.columns)


COMMAND = Command(
    name="mte-step",
    summary="Goes to the next phase of fault handling, and shows what changed.",
    columns=(
        Column("place", Kind.TEXT, "signal, phase, handler, insert, access, elsewhere; see below"),
        Column("phase", Kind.TEXT, "the phase that is about to begin"),
        Column("thread", Kind.COUNT, "the thread that stopped"),
        Column("guest_thread", Kind.COUNT, "the guest thread that it runs"),
        Column("memop", Kind.COUNT, "id of the memop that faulted, or that the thread is at"),
        Column("function", Kind.TEXT, "the guest function that it is in"),
        Column("direction", Kind.TEXT, "local-shared or shared-local, where the memop is patched"),
        Column("pointer_raw", Kind.RAW, "the memop's address register"),
        Column("granules", Kind.LIST, "the memory that the access touches, and its tags"),
        Column("instructions", Kind.LIST, "tag insert [1] and access [2] as they are now"),
        Column("mode", Kind.TEXT, "Local or Shared, as the runtime records it"),
        Column("flips", Kind.COUNT, "how often the memop was patched"),
        Column("core", Kind.COUNT, "what the core register holds in translated code"),
        Column("resumes", Kind.ADDRESS, "where the handler will return to, as it is now"),
        Column("lock", Kind.COUNT, "the guest thread that holds the lock of tags and memops"),
        Column("journal", Kind.LIST, "the change in flight"),
        Column("others", Kind.LIST, "other threads in this memop; whether their pair is stale"),
        Column("next", Kind.TEXT, "what the thread will do when it goes on"),
        Column("changes", Kind.LIST, "what is not as it was before this step"),
    ),
    run=_run,
    options=(Option("--here", "shows where the thread is, and lets nothing run"),),
    details=(
        "A phase is shown before its effect, with those of all earlier phases done. From a fault's "
        "signal it goes to the handler, from phase to phase, from the last one to [1] and to [2] "
        "again, and from anywhere else to the first phase of the next fault of any thread. "
        "Phases that a fault does not need are not passed. A memop that is a critical section of "
        "rseq(2) runs as one: the kernel would start it over at each stop in it, `stepi` too.\n\n"
        "From the fault to [2] only this thread runs; others wait where they are, and can be "
        "selected and stepped in their turn. From elsewhere all run. The debugger's settings for "
        "signals stay as they are: a fault's signal that stops the program in the middle of a "
        "step is passed on, and any other signal or breakpoint ends the step. Nothing is written "
        "to the program but the debugger's own breakpoints, which go with the step; those at "
        "memops are hardware breakpoints, since their words are patched.\n\n"
        "place: signal, on a fault whose signal the program has not had; phase, in the handler; "
        "handler, in it between two phases; insert, at [1] or between [1] and [2]; access, at [2]."
    ),
    example="mte-step",
)
