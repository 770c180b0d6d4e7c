"""`mte-catch`: stops at phases of fault handling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from mtedbg.commands import Argument, Arguments, Command, Option, Takes
from mtedbg.errors import UsageError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, then
from mtedbg.model.completion import Completable
from mtedbg.model.phase import Direction, Phase
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.model.phase import Caught
    from mtedbg.session import Session

T = TypeVar("T")

WORDS = (*(one.value for one in Phase), *(one.value for one in Direction))
"""What stands for phases and directions."""

_WHAT = "at phases of fault handling"


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.stepping import catch

    if arguments.list:
        found = catch.caught(session)
        return _answer(found, f"{_count(found)} {_WHAT}")
    phases, direction = _meant(arguments.phase)
    if arguments.delete:
        found = catch.release(session, phases, direction)
        return _answer(found, f"{_count(found)} deleted")
    found = catch.catch(
        session,
        phases,
        direction=direction,
        memop=_given(arguments.memop),
        function=_given(arguments.function),
        thread=_given(arguments.thread),
    )
    return _answer(found, f"{_count(found)} {_WHAT}")


def _given(value: T | None) -> T | Absent:
    return NOT_APPLICABLE if value is None else value


def _meant(words: Sequence[str]) -> tuple[tuple[Phase, ...], Direction | Absent]:
    """The phases named, all where none is, and the direction.

    Raises:
        UsageError: a word is neither, or there are two directions.
    """
    unknown = [word for word in words if word not in WORDS]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is not a phase", f"phases are {', '.join(Phase)}")
    directions = [one for one in Direction if one.value in words]
    if len(directions) > 1:
        raise UsageError("a patch has one direction", "give neither to stop at both")
    phases = {phase.value: phase for phase in Phase}
    named = tuple(phases[word] for word in dict.fromkeys(words) if word in phases)
    return named or tuple(Phase), directions[0] if directions else NOT_APPLICABLE


def _count(found: Sequence[Caught]) -> str:
    return f"{len(found)} breakpoint{'' if len(found) == 1 else 's'}"


def _answer(found: Sequence[Caught], headline: str) -> Answer:
    return Answer(Table(tuple(map(_row, found))), headline)


def _row(one: Caught) -> Row:
    return {
        "number": one.number,
        "phase": one.catch.phase.value,
        "address": one.catch.address,
        "direction": then(one.catch.direction, lambda direction: direction.value),
        "memop": one.catch.memop,
        "function": one.catch.function,
        "thread": one.catch.thread,
        "enabled": one.enabled,
        "hits": one.hits,
    }


COMMAND = Command(
    name="mte-catch",
    summary="Stops the program at phases of fault handling.",
    columns=(
        Column("number", Kind.COUNT, "number of the debugger's breakpoint"),
        Column("phase", Kind.TEXT, "where it stops: before the effect of this phase"),
        Column("address", Kind.ADDRESS, "address of the phase"),
        Column("direction", Kind.TEXT, "only patches in this direction"),
        Column("memop", Kind.COUNT, "only faults at this memop"),
        Column("function", Kind.TEXT, "only faults in this guest function"),
        Column("thread", Kind.COUNT, "only this thread"),
        Column("enabled", Kind.FLAG, "whether it stops the program"),
        Column("hits", Kind.COUNT, "how often a thread reached it, as the debugger counts"),
    ),
    run=_run,
    arguments=(
        Argument(
            "PHASE",
            f"{', '.join(Phase)}; default: all. With one of "
            f"{', '.join(one.value for one in Direction)}: only patches in this direction",
            Takes.TEXT,
            optional=True,
            many=True,
            choices=WORDS,
        ),
    ),
    options=(
        Option(
            "--memop",
            "only faults at the memop with this id",
            "ID",
            Takes.COUNT,
            completes=Completable.MEMOP,
        ),
        Option(
            "--function",
            "only faults in this guest function",
            "NAME",
            completes=Completable.FUNCTION,
        ),
        Option("--thread", "only this thread", "N", Takes.COUNT, completes=Completable.THREAD),
        Option("--list", "lists existing breakpoints, and sets none"),
        Option("--delete", "deletes the breakpoints of the given phases, or all"),
    ),
    details=(
        "They are ordinary breakpoints: the debugger lists, disables and deletes them like any "
        "other, and they are removed when the process ends. `mte-step --here` shows where the "
        "program has stopped, `mte-step` continues from phase to phase. The debugger stops on the "
        "fault's signal as well, before the handler, unless configured otherwise: GDB by `handle "
        "SIGSEGV nostop noprint pass`, LLDB by `process handle --stop false --notify false --pass "
        "true SIGSEGV`. With that, a fault that no handler claims ends the program without a "
        "stop.\n\n"
        "Before phase retag the direction is not yet decided: it is then what the current tags and "
        "mode would lead to."
    ),
    example="mte-catch patch-memop shared-local --memop 12",
    repeats=False,
)
