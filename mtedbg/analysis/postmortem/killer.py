"""The signal that killed, in words: who sent it, and what is known of signals before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.death import earlier_faults
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.decode.heap.abort_message import abort_message
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import Absent, or_else, present, then
from mtedbg.model.fault import Found

if TYPE_CHECKING:
    from mtedbg.analysis.fault.death import Death
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_MOST = 4
"""Earlier faults that are named."""
_NOT_RAISED = "was sent, not raised by an access"
_LIBC = re.compile(r"/(lib(c|pthread)|ld-linux[\w-]*)[.-][^/]*$|^\[vdso\]$")


def sent_by_handler(died: Death) -> bool:
    """Whether the fault's handler, or another thread, sent what killed, and stands there yet."""
    at_the_fault = died.found is Found.RETURNED and died.thread == died.killed
    return present(died.killer) and died.killer.sent and not at_the_fault


def who_sent(session: Session, thread: Thread, what: str) -> Iterator[str]:
    """Who asked for a signal: the innermost frame that is not the C library's; what it said.

    Args:
        session: where.
        thread: that took the signal.
        what: the signal in words.
    """
    calls = host_calls(session, thread)
    frames = () if isinstance(calls, Absent) else calls.frames
    caller = next((frame for frame in frames if not _LIBC.search(frame.file)), None)
    sent = f"{what} {_NOT_RAISED}"
    yield f"{sent}; called from {caller.function}" if caller else sent
    sp = then(session.target.registers(thread), lambda known: session.strip(known.get("sp", 0)))
    message = abort_message(session.target, or_else(sp, 0))
    if present(message):
        yield f"it said: {message}"


def earlier(session: Session, died: Death) -> Iterator[str]:
    """Faults that had handlers before a signal was sent: they are not blamed for it."""
    if died.found is not Found.SIGNAL or isinstance(died.fault.name, Absent):
        return
    for one in earlier_faults(session)[:_MOST] if died.fault.name.sent else ():
        name, at = name_signal(one.fault), one.frame.address
        tells = f"an unused signal frame at {at:#x} tells of an earlier {name}"
        yield f"{tells}: nothing ties it to this"
