"""The guest's call chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes, notes_of
from mtedbg.decode.stack.guest_calls import GuestCall, GuestChain, Unwinder, block_of
from mtedbg.decode.stack.guest_frame import guest_of
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.frame import Guest
from mtedbg.report import Column, Line, Report, Row, Span, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

_GUESS = "(guess)"


def calls(session: Session, command: str, columns: tuple[Column, ...]) -> Report:
    """The call chain of the guest thread that the session's thread runs.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    thread = session.thread()
    hole = NOT_APPLICABLE
    for runtime in all_runtimes(session):
        guest = guest_of(runtime, thread, session.info.pac_mask)
        if isinstance(guest, Guest):
            chain = Unwinder(runtime).chain(guest)
            return _report(session, command, columns, guest, chain, notes_of(runtime))
        hole = guest
    if hole.is_hole:
        rows: tuple[Row, ...] = ({column.key: hole for column in columns},)
        return flat(command, session.info, columns, rows)
    why = f"thread {thread.number}: {hole.detail}"
    return flat(command, session.info, columns, headline=why)


def _report(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    guest: Guest,
    chain: GuestChain,
    notes: tuple[str, ...],
) -> Report:
    rows = tuple(_row(guest, level, call) for level, call in enumerate(chain.calls))
    guesses = [str(level) for level, call in enumerate(chain.calls) if call.guess]
    if guesses:
        notes += (
            f"level {', '.join(guesses)}: a guess, found by a search of the stack for addresses"
            " behind a call",
        )
    notes += (f"the chain ends: {chain.end}",)
    headline = f"guest thread {guest.frame.thread_id} on thread {session.thread().number}"
    picture = tuple(_draw(row, call) for row, call in zip(rows, chain.calls, strict=True))
    return flat(
        command, session.info, columns, rows, notes, picture, headline=headline, listing=True
    )


def _row(guest: Guest, level: int, call: GuestCall) -> Row:
    return {
        "level": level,
        "rip": call.rip,
        "function": call.name,
        "host_pc": guest.host_pc if level == 0 else NOT_APPLICABLE,
        "block": block_of(call.function),
    }


def _draw(row: Row, call: GuestCall) -> Line:
    rip, name = call.rip, call.name
    at = f"{rip:#x}" if isinstance(rip, int) else f"<{rip}>"
    begin = NOT_APPLICABLE if isinstance(call.function, Absent) else call.function.guest_begin
    into = f"+{rip - begin:#x}" if isinstance(rip, int) and isinstance(begin, int) else ""
    where = f"{name}{into}" if isinstance(name, str) else "?"
    host = row["host_pc"]
    block = f"  block {row['block']}" if isinstance(row["block"], int) else ""
    pc = f"  host {host:#x}" if isinstance(host, int) else ""
    return (
        Span(f"#{row['level']:<3} ", "heading"),
        Span(f"{at}  ", "address"),
        Span(where),
        Span(f"{pc}{block}", "dim"),
        Span(f"  {_GUESS}" if call.guess else "", "tag-mismatch"),
    )
