"""`memops`: all memops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option, Takes, memop
from mtedbg.dataclass import replace
from mtedbg.errors import UsageError
from mtedbg.model.absent import Absent, or_else
from mtedbg.model.completion import Completable
from mtedbg.model.words import counted
from mtedbg.report import Answer, Document, Table

if TYPE_CHECKING:
    from mtedbg.analysis.memops.memops import Order, RuntimeMemops, Wanted
    from mtedbg.model.memop import MemopState, Mode
    from mtedbg.session import Session

_NOT_IN_TABLES = ("last_fault", "instructions")


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.memops.memops import Wanted, memops

    mode, order = _mode(arguments.mode), _order(arguments.sort)
    wanted = Wanted(arguments.block, mode, order, arguments.n)
    found = answer(memops(session, wanted), wanted)
    return found if arguments.export is None else _exporting(session, found, arguments.export)


def _mode(name: str | None) -> Mode | None:
    from mtedbg.model.memop import Mode

    modes = (Mode.LOCAL, Mode.SHARED, Mode.EITHER)
    if name is None:
        return None
    for mode in modes:
        if mode.lower() == name.lower():
            return mode
    raise UsageError(f"no mode is called {name!r}", f"one of {', '.join(modes)}")


def _order(name: str | None) -> Order | None:
    from mtedbg.analysis.memops.memops import Order

    if name is None:
        return None
    if name not in list(Order):
        raise UsageError(f"memops cannot be sorted by {name!r}", f"one of {', '.join(Order)}")
    return Order(name)


def _exporting(session: Session, shown: Answer, path: str) -> Answer:
    """`shown`, with the profile of the process as a file at `path`, and what that lacks."""
    from mtedbg.analysis.memops.profile import profile_of
    from mtedbg.formats.profile import profile_text

    profile, lacks = profile_of(session)
    return replace(
        shown.noting(*lacks),
        documents=(*shown.documents, Document(path, profile_text(profile))),
        incomplete=shown.incomplete or bool(lacks),
    )


def answer(found: Sequence[RuntimeMemops], wanted: Wanted) -> Answer:
    """The memops as rows.

    Args:
        found: those of every runtime.
        wanted: which were asked for.
    """
    from mtedbg.analysis.memops.memops import MOST

    states = [state for one in found for state in or_else(one.states, ())]
    total = sum(one.total for one in found)
    notes = list(_notes(found))
    if total > len(states):
        notes.append(f"{total - len(states)} more are not shown: -n {min(total, MOST)} shows more")
    lacks = any(isinstance(one.states, Absent) for one in found)
    return Answer(
        Table(tuple(map(memop.row, states))),
        _headline(states, total, wanted),
        tuple(notes),
        incomplete=lacks or (wanted.most is None and total > len(states)),
    )


def _notes(found: Sequence[RuntimeMemops]) -> Iterator[str]:
    from mtedbg.analysis.runtimes import notes_of, whose

    shown = 0
    for one in found:
        yield from notes_of(one.runtime)
        if isinstance(one.states, Absent):
            yield f"the code map: {one.states}"
        elif one.states:
            own = len(one.states)
            if len(found) > 1:
                yield whose(one.runtime, f"rows {shown + 1} to {shown + own}")
            shown += own


def _headline(states: Sequence[MemopState], total: int, wanted: Wanted) -> str:
    if not total:
        return "no memops" + ("" if wanted.block is None else f" in block {wanted.block}")
    wrong = sum(state.consistent is False for state in states)
    shown = counted(total, "memop")
    if len(states) < total:
        shown = f"{len(states)} of {shown}"
    return f"{shown}, {wrong} whose bytes say otherwise" if wrong else shown


COMMAND = Command(
    name="memops",
    summary="All memops: recorded mode, mode of their instructions, number of patches.",
    columns=tuple(
        replace(column, shown=column.key not in _NOT_IN_TABLES) for column in memop.COMMAND.columns
    ),
    run=_run,
    options=(
        Option(
            "--block",
            "only memops of the code block with this id",
            "ID",
            Takes.COUNT,
            completes=Completable.BLOCK,
        ),
        Option(
            "--mode",
            "only memops recorded as Local, or as Shared",
            "MODE",
            choices=("Local", "Shared"),
        ),
        Option(
            "--sort",
            "executions, flips or faults (most first), id, or address",
            "KEY",
            choices=("executions", "flips", "faults", "id", "address"),
        ),
        Option("-n", "maximum number of memops", "N", Takes.COUNT),
        Option(
            "--export", "write the history of all memops to FILE, as a profile", "FILE", Takes.FILE
        ),
    ),
    details="The profile is what `mtetso --profile-in` makes better code from. It has all memops,\n"
    "whichever are shown. `mtedbg profile merge` adds up those of several runs.",
    example="memops --sort flips -n 10",
)
