"""The death of a translated program by its own doing, which its runtime has carried out.

A runtime that translates a Linux program ends itself by the signal that the program died of. What
its own registers and calls say of that is nothing but the way out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from mtedbg.dataclass import dataclass
from mtedbg.errors import LayoutError
from mtedbg.formats.siginfo import (
    is_of_instruction,
    may_be_of_instruction,
    name_signal,
    signal_name,
)
from mtedbg.model.absent import Absent, present
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.analysis.stacks.guest_calls import GuestCalls, GuestLevel
    from mtedbg.model.guest_signal_frame import GuestSignalFrame
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session

_SIGNAL_ARGUMENT = {
    62: ("kill", "rsi"),
    129: ("rt_sigqueueinfo", "rsi"),
    200: ("tkill", "rsi"),
    234: ("tgkill", "rdx"),
    297: ("rt_tgsigqueueinfo", "rdx"),
}
"""Calls that send a signal, by their numbers (arch/x86/entry/syscalls/syscall_64.tbl)."""
_BAD_ADDRESS = ("SEGV_MAPERR", "SEGV_ACCERR")
_IN_WORDS = {"FPE_INTDIV": "division by zero or quotient too large"}
_FRAME = 1 << 16
"""Bytes that a function's frame has at most, of those that are taken for an overflow."""
_NAMED = 3
"""Callers that are named."""


@dataclass(frozen=True, slots=True)
class GuestDeath:
    """What a translated program did that ended it.

    Attributes:
        thread: the host thread that ran it.
        signal: that it died of, "SIGSEGV"; of a fault that it answered in a handler, the fault's.
        what: why, without where: "bad address 0x8".
        calls: the guest's, to where it ended.
        levels: of these calls, those to where it did that: without its handler's.
        killed_by: the signal that ended it in its handler of that, "SIGABRT"; empty where it had
            none.
        ended: what it did there: "sent by itself (tgkill)".
        missing: system calls that failed before, because its runtime does not have them:
            "uselib, semget"; empty where there were none.
    """

    thread: Thread
    signal: str
    what: str
    calls: GuestCalls
    levels: tuple[GuestLevel, ...]
    killed_by: str = ""
    ended: str = ""
    missing: str = ""

    @property
    def callers(self) -> str:
        """Who called the innermost function: "called from main at a.c:4 ← _start"; or empty."""
        named = self.levels[1 : 1 + _NAMED]
        return called_from(named[0], " ← ".join(map(place_of, named))) if named else ""

    def __str__(self) -> str:
        """For people: "the guest died of SIGSEGV: bad address 0x8, in walk at crash.c:14"."""
        inner = self.levels[0]
        known = present(inner.function) or present(inner.program)
        where = f", in {place_of(inner)}" if known else ""
        return f"the guest died of {self.signal}: {self.what}{where}"


@once
def guest_death(session: Session) -> GuestDeath | None:
    """The guest's doing that ended a process; None where it was none, or where no runtime tells."""
    if not session.readable_runtimes() or not session.target.threads():
        return None
    thread = session.current_thread()
    told = session.target.signal(thread)
    if isinstance(told, Absent) or not _sent_by_itself(session, told):
        return None
    from mtedbg.analysis.stacks.guest_calls import known_guest_calls

    calls = known_guest_calls(session, thread)
    if isinstance(calls, Absent):
        return None
    what = next(_reasons(calls, told.number), "")
    name = signal_name(told.number)
    if not what:
        return None
    missing, levels = _missing(calls), calls.levels
    behind = _fault_behind(calls)
    if behind is None:
        return GuestDeath(thread, name, what, calls, levels, missing=missing)
    info, frame, levels = behind
    fault = signal_name(info.number)
    what_it_did = _words(session, info, frame, levels)
    return GuestDeath(thread, fault, what_it_did, calls, levels, name, what, missing)


def _fault_behind(
    calls: GuestCalls,
) -> tuple[SignalInfo, GuestSignalFrame, tuple[GuestLevel, ...]] | None:
    """The first fault whose handler the guest is in, and the calls to it.

    A program that tells of its crash does so there, and ends itself then, mostly by `abort`.
    """
    from mtedbg.decode.stack.guest_calls import SIGNAL_FRAME

    handlers = [at for at, level in enumerate(calls.levels) if level.function == SIGNAL_FRAME]
    if len(handlers) != len(calls.signals):
        return None  # one of the levels was found in another way
    for at, frame in zip(reversed(handlers), reversed(calls.signals), strict=True):
        levels = calls.levels[at + 1 :]
        if levels and present(frame.info) and is_of_instruction(frame.info):
            return frame.info, frame, levels
    return None


def _words(
    session: Session, info: SignalInfo, frame: GuestSignalFrame, levels: tuple[GuestLevel, ...]
) -> str:
    """What the guest did, in the words that the runtime has for one that had no handler."""
    code, address = name_signal(info).code, info.address
    if isinstance(address, Absent):
        return code
    if code not in _BAD_ADDRESS:
        return _IN_WORDS.get(code) or f"{code}, address {address:#x}"
    if address == frame.rip:
        return f"jump or return to {address:#x}, where no code is"
    if len(levels) > 1 and _below_stack(session, frame.registers["rsp"], address):
        return f"stack overflow, rsp {frame.registers['rsp']:#x}, address {address:#x}"
    return f"bad address {address:#x}"


def _below_stack(session: Session, rsp: int, address: int) -> bool:
    """Whether an access that failed was below a stack: its calls, which are above, were found.

    What lies below one may be readable, as a library's constant data is.
    """
    regions = session.target.regions()
    if isinstance(regions, Absent) or abs(address - rsp) > _FRAME:
        return False
    writable = any(one.start <= rsp < one.end and "w" in one.perms for one in regions)
    return address < rsp or not writable


@once
def killed_guests(session: Session) -> tuple[GuestCalls, ...]:
    """The calls of a guest that was killed from outside, as a hung one is; empty: it was not.

    Those of each guest thread that waits, where they take turns on the thread that was killed.
    """
    from mtedbg.analysis.fault.death import death
    from mtedbg.analysis.memops.changes import changes

    if not session.readable_runtimes() or not session.target.threads():
        return ()
    died = death(session)
    told = session.target.signal(died.killed)
    if isinstance(told, Absent) or may_be_of_instruction(told):
        return ()
    if died.fault.interrupted is not None or changes(session):
        return ()
    from mtedbg.analysis.stacks.guest_calls import all_known_calls

    return all_known_calls(session, died.killed)


def _sent_by_itself(session: Session, told: SignalInfo) -> bool:
    """Whether the process sent the signal that killed it, as far as the core says."""
    pid = session.info.pid
    if present(told.code) and told.code > 0:  # the kernel raised it (sigaction(2))
        return False
    return not present(told.sender) or not present(pid) or told.sender == pid


def _reasons(calls: GuestCalls, number: int) -> Iterator[str]:
    """What the guest did, by the runtime's record, else by the system call that it is in."""
    from mtedbg.model.frame import ThreadState
    from mtedbg.model.runtime import ENDING, Ending, SentSignal

    runtime, frame = calls.runtime, calls.guest.frame
    with suppress(LayoutError):
        ending = runtime.first(ENDING, Ending)
        if present(ending) and (ending.thread, ending.signal) == (frame.thread_id, number):
            yield runtime.text_if_any(ending.reason, ending.reason_length)
    call = _SIGNAL_ARGUMENT.get(frame.rax)
    if frame.state == ThreadState.THUNK and call is not None:
        name, register = call
        if calls.guest.registers[register] == number:
            yield f"sent by itself ({name})"
    with suppress(LayoutError):  # a runtime that does not keep it
        sent = runtime.first(ENDING, SentSignal)
        if present(sent) and sent.sent_signal == number and sent.sent_by in _SIGNAL_ARGUMENT:
            yield f"sent by itself ({_SIGNAL_ARGUMENT[sent.sent_by][0]})"


def _missing(calls: GuestCalls) -> str:
    from mtedbg.model.runtime import ENDING, MissingCalls

    with suppress(LayoutError):  # a runtime that does not keep them
        made = calls.runtime.first(ENDING, MissingCalls)
        if present(made) and made.missing:
            return calls.runtime.text_if_any(made.missing, made.missing_length)
    return ""


def _nameless(level: GuestLevel) -> str:
    """A function that no symbol names: by its place in the file, else by the guest's address."""
    if isinstance(level.rip, Absent) or isinstance(level.program, Absent) or level.program.path:
        return str(level)
    return f"{level.rip:#x} of {level.program.name}"


def called_from(caller: GuestLevel, names: str = "") -> str:
    """Who called, as far as it is known: a guess is told as that.

    Args:
        caller: the innermost level that is named.
        names: what is said of it, and of those behind; empty: its own place.
    """
    doubt = "perhaps " if caller.hypothesis else ""
    return f"{doubt}called from {names or place_of(caller)}"


def place_of(level: GuestLevel) -> str:
    """A function with its line, without how far into it RIP is."""
    name = level.function if present(level.function) else _nameless(level)
    return f"{name} at {level.line}" if present(level.line) else name
