"""The runtimes of a process, for commands that are about nothing else.

What only a process with a runtime needs is imported where there is one, here and in what asks this:
most dead processes have none, and to import it takes a tenth of the time of their report.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtedbg.errors import LayoutError, NoRuntimeError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.code import Place
    from mtedbg.model.process import Thread
    from mtedbg.model.runtime import Journal
    from mtedbg.session import Session

_NEXT_STEP = (
    "commands that need none still work: mte-tags, mte-fault, mte-regions, mte-check, mte-find, "
    "mte-set, mte-ctl; jit-block, jit-blocks and jit-disas where a JIT describes its code"
)


def all_runtimes(session: Session) -> tuple[Runtime, ...]:
    """The runtimes, at least one.

    Raises:
        NoRuntimeError: there is none.
        LayoutError: there is one whose debug root is damaged.
    """
    found = session.runtimes
    if not isinstance(found, Absent):
        return found
    if found.reason is Reason.DAMAGED:
        raise LayoutError(found.detail, _NEXT_STEP)
    detail = f": {found.detail}" if found.detail else ""
    raise NoRuntimeError(f"no runtime with a debug root is in this process{detail}", _NEXT_STEP)


def notes_of(runtime: Runtime) -> tuple[str, ...]:
    """What is to be said of a runtime whatever was asked."""
    from mtedbg.model.runtime import RuntimeState

    state = () if runtime.state == RuntimeState.READY else (f"the runtime is {runtime.state}",)
    return runtime.problems + state


def whose(runtime: Runtime, what: str) -> str:
    """Which of several runtimes `what` is of: ids are each runtime's own."""
    return f"{what}: of {runtime.name}, debug root {runtime.address:#x}"


def place_of(session: Session, pc: int) -> tuple[Runtime, Place]:
    """The runtime whose code holds `pc`, and where; else the first one that has something to say.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: a debug root is damaged, or does not tell what this needs.
    """
    from mtedbg.decode.code.code_map import locate
    from mtedbg.model.code import Outcome

    places = []
    for runtime in all_runtimes(session):
        place = locate(runtime, pc)
        if place.in_jit:
            return runtime, place
        places.append((runtime, place))
    telling = [pair for pair in places if pair[1].outcome is not Outcome.NOT_JIT]
    return (telling or places)[0]


def current_pc(session: Session, thread: Thread) -> int | Absent:
    """The PC of `thread`, without PAC bits."""
    registers = session.target.registers(thread)
    if isinstance(registers, Absent):
        return registers
    pc = registers.get("pc")
    return Absent(Reason.UNREADABLE, "register pc") if pc is None else session.strip(pc)


def host_thread_of(runtime: Runtime, entry: Journal, threads: Sequence[Thread]) -> int | Absent:
    """The number of the host thread that runs the guest thread of a journal entry."""
    from mtedbg.model.runtime import THREADS, GuestThread

    if not entry.thread:
        return NOT_APPLICABLE
    records = runtime.rows(THREADS, GuestThread)
    if isinstance(records, Absent):
        return records
    tid = next((one.host_tid for one in records if one.id == entry.thread), None)
    missing = Absent(Reason.UNKNOWN, f"no host thread of guest thread {entry.thread}")
    return next((one.number for one in threads if one.tid == tid), missing)
