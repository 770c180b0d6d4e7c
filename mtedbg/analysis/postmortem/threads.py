"""All threads of a process in short: where each stood, and what it was about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import symbolize
from mtedbg.analysis.memops.stale import stale_pair
from mtedbg.decode.stack.guest_frame import guest_of
from mtedbg.errors import LayoutError
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.frame import Guest
from mtedbg.report import Column, Kind, Report, Row, flat

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

MAX_THREADS = 64
WHOLE = 1 << 12
"""Threads that a file has room for."""

COLUMNS = (
    Column("thread", Kind.COUNT, "its number here, for --thread"),
    Column("tid", Kind.COUNT, "the kernel's thread id"),
    Column("name", Kind.TEXT, "its name, where the core has it"),
    Column("pc", Kind.ADDRESS, "where it stood"),
    Column("symbol", Kind.TEXT, "what that lies in"),
    Column("current", Kind.FLAG, "whether it is the one that died"),
    Column("guest", Kind.COUNT, "the guest thread that it ran"),
    Column("doing", Kind.TEXT, "what it was about"),
)


def all_threads(session: Session, most: int = MAX_THREADS) -> Report:
    """All threads in short.

    Args:
        session: where.
        most: threads at most.
    """
    threads = session.target.threads()
    rows = tuple(_thread(session, thread) for thread in threads[:most])
    report = flat("threads", session.info, COLUMNS, rows, listing=True)
    more = len(threads) - len(rows)
    return report.noting(f"and {more} more threads") if more else report


def _thread(session: Session, thread: Thread) -> Row:
    registers = session.target.registers(thread)
    pc: int | Absent = Absent(Reason.NOT_RECORDED)
    if not isinstance(registers, Absent) and "pc" in registers:
        pc = session.strip(registers["pc"])
    guest = _guest(session, thread)
    return {
        "thread": thread.number,
        "tid": thread.tid,
        "name": thread.name,
        "pc": pc,
        "symbol": pc if isinstance(pc, Absent) else str(symbolize(session, pc)) or _UNKNOWN,
        "current": thread.current,
        "guest": guest.frame.thread_id if guest is not None else NOT_APPLICABLE,
        "doing": _doing(session, thread, guest) or NOT_APPLICABLE,
    }


_UNKNOWN = Absent(Reason.UNKNOWN)


def _guest(session: Session, thread: Thread) -> Guest | None:
    runtimes = session.runtimes
    for runtime in () if isinstance(runtimes, Absent) else runtimes:
        try:
            found = guest_of(runtime, thread, session.info.pac_mask)
        except LayoutError:
            continue
        if isinstance(found, Guest):
            return found
    return None


def _doing(session: Session, thread: Thread, guest: Guest | None) -> str:
    words = []
    signal = session.target.signal(thread)
    if not isinstance(signal, Absent):
        name = name_signal(signal)
        words.append(f"{name.signal} {name.code}".rstrip())
    stale = stale_pair(session, thread)
    if stale is not None:
        words.append(f"a stale pair at memop {stale[0].id}")
    if guest is not None:
        state = guest.frame.state
        words.append("translated code" if guest.in_jit else state.lower())
    return ", ".join(words)
