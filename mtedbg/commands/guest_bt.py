"""`guest-bt`: the guest's call chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present, then
from mtedbg.report import Answer, Column, Kind, Line, Row, Span, Table

if TYPE_CHECKING:
    from mtedbg.analysis.stacks.foreign_calls import ForeignChain
    from mtedbg.analysis.stacks.guest_calls import GuestCalls, GuestLevel
    from mtedbg.model.frame import Guest
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_HYPOTHESIS = "(guess)"


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.stacks.guest_calls import guest_calls

    thread = session.thread(arguments.thread)
    if not session.readable_runtimes():
        from mtedbg.analysis.stacks.foreign_calls import foreign_calls

        found = foreign_calls(session, thread)
        if not isinstance(found, Absent) or found.is_hole:
            return foreign_answer(thread, found)
    return answer(session, thread, guest_calls(session, thread))


def answer(session: Session, thread: Thread, found: GuestCalls | Absent) -> Answer:
    """The guest's calls as rows and lines, and why the chain ends.

    Args:
        session: where.
        thread: the host thread that was asked about.
        found: the calls of the guest thread that it runs; where it runs none now, those of the
            ones that wait for their turn on it are told.
    """
    from mtedbg.analysis.runtimes import notes_of
    from mtedbg.analysis.stacks.guest_calls import parked_calls
    from mtedbg.commands._guest import without_guest

    if not isinstance(found, Absent):
        guest = found.guest
        return Answer(
            Table(tuple(_rows(found)), tuple(_lines(guest, found.levels))),
            f"guest thread {guest.frame.thread_id} on thread {thread.number}",
            (*notes_of(found.runtime), *_notes(found)),
        )
    parked = () if found.is_hole else parked_calls(session, thread)
    if not parked:
        return without_guest(thread, found, COMMAND.columns)
    rows = tuple(row for one in parked for row in _rows(one))
    lines: list[Line] = []
    for one in parked:
        lines.append((Span(f"guest thread {one.guest.frame.thread_id}, parked", "heading"),))
        lines += _lines(one.guest, one.levels)
    whose = "guest thread is" if len(parked) == 1 else f"{len(parked)} guest threads are"
    return Answer(
        Table(rows, tuple(lines)),
        f"thread {thread.number}: its {whose} parked, between turns or in a call that waits",
        notes_of(parked[0].runtime),
    )


def _rows(found: GuestCalls) -> Iterator[Row]:
    for number, level in enumerate(found.levels):
        yield _row(found.guest, number, level)


def foreign_answer(thread: Thread, found: ForeignChain | Absent) -> Answer:
    """The calls of a guest whose translator has no debug root, and why they end.

    Args:
        thread: the host thread that was asked about.
        found: the calls of the guest that it runs.
    """
    from mtedbg.commands._guest import without_guest

    if isinstance(found, Absent):
        return without_guest(thread, found, COMMAND.columns)
    rows: list[Row] = []
    lines: list[Line] = []
    for level, call in enumerate(found.calls):
        host = found.pc if level == 0 else NOT_APPLICABLE
        place, line = call.place, call.place.line
        name = call.name or (PurePosixPath(place.file).name if place.file else "")
        rows.append(
            {
                "level": level,
                "rip": call.rip,
                "function": name or Absent(Reason.UNKNOWN),
                "host_pc": host,
                "block": NOT_APPLICABLE,
                "line": then(line, str),
                "program": PurePosixPath(place.file).name or NOT_APPLICABLE,
                "inlined": False,
                "guest_thread": NOT_APPLICABLE,
            }
        )
        where = str(place.symbol) if present(place.symbol) else name or "?"
        where += f" at {line}" if present(line) else ""
        pc = f"  host {host:#x}" if present(host) else ""
        at = f"{call.rip:#x}  " if present(call.rip) else f"<{call.rip}>  "
        lines.append(
            (Span(f"#{level:<3} ", "heading"), Span(at, "address"), Span(where), Span(pc, "dim"))
        )
    headline = f"guest of {found.guest.version} on thread {thread.number}"
    end = (f"the chain ends: {found.end}",) if found.end else ()
    return Answer(Table(tuple(rows), tuple(lines)), headline, end)


def _notes(found: GuestCalls) -> Iterator[str]:
    levels = [str(number) for number, level in enumerate(found.levels) if level.hypothesis]
    if levels:
        yield (
            f"level {', '.join(levels)}: a guess, found by searching the stack for return addresses"
        )
    yield f"the chain ends: {found.end}"


def _host_pc(guest: Guest, number: int) -> int | Absent:
    return guest.host_pc if number == 0 else NOT_APPLICABLE


def _row(guest: Guest, number: int, level: GuestLevel) -> Row:
    return {
        "level": number,
        "rip": level.rip,
        "function": level.function,
        "host_pc": _host_pc(guest, number),
        "block": level.block,
        "line": then(level.line, str) if present(level.line) else NOT_APPLICABLE,
        "program": level.program.name if present(level.program) else NOT_APPLICABLE,
        "inlined": level.inlined,
        "guest_thread": guest.frame.thread_id,
    }


def _lines(guest: Guest, levels: Sequence[GuestLevel]) -> Iterator[Line]:
    for number, level in enumerate(levels):
        host = _host_pc(guest, number)
        pc = f"  host {host:#x}" if present(host) else ""
        block = f"  block {level.block}" if present(level.block) else ""
        inlined = "  inlined" if level.inlined else ""
        yield (
            Span(f"#{number:<3} ", "heading"),
            Span(f"{level.rip:#x}  " if present(level.rip) else f"<{level.rip}>  ", "address"),
            Span(str(level)),
            Span(f"{inlined}{pc}{block}", "dim"),
            Span(f"  {_HYPOTHESIS}" if level.hypothesis else "", "tag-mismatch"),
        )


COMMAND = Command(
    name="guest-bt",
    summary="The guest's call chain.",
    columns=(
        Column("level", Kind.COUNT, "0 is the innermost"),
        Column("rip", Kind.ADDRESS, "the guest's instruction pointer, or the return address"),
        Column("function", Kind.TEXT, "the guest function"),
        Column("host_pc", Kind.ADDRESS, "of level 0, in translated code"),
        Column("block", Kind.COUNT, "the code block with the function's translation"),
        Column("line", Kind.TEXT, "file and line of the guest's source", shown=False),
        Column("program", Kind.TEXT, "the guest's program or library", shown=False),
        Column("inlined", Kind.FLAG, "the function's code is within the next one's", shown=False),
        Column("guest_thread", Kind.COUNT, "whose call it is", shown=False),
    ),
    run=_run,
    details=(
        "A guest is unwound by the call frame information of its program and libraries: in their "
        "files, or in memory. Without that, by what the instructions of its functions push. Where "
        "that fails, the stack is searched for return addresses: such a level is marked as a "
        "guess. Of a guest of box64 nothing is guessed.\n\n"
        "Where guest threads take turns on the thread, the one that runs is shown; if none does, "
        "between turns or as all of them wait, each of them."
    ),
    example="guest-bt --all-threads",
    per_thread=True,
)
