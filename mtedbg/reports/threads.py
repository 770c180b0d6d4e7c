"""All threads of a dead process in short."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE, present
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Row, Table

if TYPE_CHECKING:
    from mtedbg.analysis.postmortem.threads import ThreadState

SHOWN = 64
WHOLE = 1 << 12
"""Threads that a file has room for."""

NAME = "threads"
COLUMNS = (
    Column("thread", Kind.COUNT, "its number, for --thread"),
    Column("tid", Kind.COUNT, "the kernel's thread id"),
    Column("name", Kind.TEXT, "its name, if the core has it"),
    Column("pc", Kind.ADDRESS, "its PC"),
    Column("symbol", Kind.TEXT, "the symbol that contains it"),
    Column("current", Kind.FLAG, "whether it is the thread that crashed"),
    Column("guest", Kind.COUNT, "the guest thread that it ran"),
    Column("doing", Kind.TEXT, "what it was doing"),
)


def answer(states: tuple[ThreadState, ...], total: int) -> Answer:
    """The threads, a row each.

    Args:
        states: those that are shown.
        total: how many there are in all.
    """
    here = next((number for number, one in enumerate(states) if one.thread.current), None)
    answer = Answer(Table(tuple(map(_row, states)), here=here))
    more = total - len(states)
    return answer.noting(f"and {counted(more, 'more thread')}") if more else answer


def _row(one: ThreadState) -> Row:
    return {
        "thread": one.thread.number,
        "tid": one.thread.tid,
        "name": one.thread.name,
        "pc": one.pc,
        "symbol": one.place,
        "current": one.thread.current,
        "guest": one.guest.frame.thread_id if present(one.guest) else NOT_APPLICABLE,
        "doing": ", ".join(_doing(one)) or NOT_APPLICABLE,
    }


def _doing(one: ThreadState) -> Iterator[str]:
    if present(one.signal):
        yield f"{one.signal.signal} {one.signal.code}".rstrip()
    if one.stale_memop is not None:
        yield f"a stale pair at memop {one.stale_memop}"
    if present(one.guest):
        yield "translated code" if one.guest.in_jit else one.guest.frame.state.lower()
