"""The signature of a death: what two runs of the same crash have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import TYPE_CHECKING

from mtedbg.analysis.memops.changes import changes
from mtedbg.analysis.memops.stale import stale_pair
from mtedbg.analysis.postmortem.guest_place import guest_place
from mtedbg.analysis.postmortem.recorded import recorded_calls
from mtedbg.analysis.stacks.frame_records import return_addresses
from mtedbg.analysis.stacks.guest_frame import own_tag
from mtedbg.analysis.tags.runs import by_granule
from mtedbg.dataclass import dataclass
from mtedbg.formats.siginfo import name_signal
from mtedbg.model.absent import Absent, Reason, or_else, present
from mtedbg.model.fault import FaultKind
from mtedbg.model.operation import Operation
from mtedbg.model.phase import spelled
from mtedbg.model.pointer import GRANULE, granule_of, is_near_null, logical_tag
from mtedbg.model.triage import Signature
from mtedbg.target import ModuleFinder

if TYPE_CHECKING:
    from mtedbg.model.process import SignalInfo, Thread
    from mtedbg.session import Session

CALLERS = 4
"""Frames outside of the C library that tell one abort from another."""

_NOWHERE = "nowhere"
_LONGEST_PAIR = 2 * GRANULE
_LIBRARY = re.compile(r"(ld-|ld\.|lib(c|m|pthread|gcc_s|stdc\+\+|c\+\+)[-.]|\[vdso\]|linker)")


@dataclass(frozen=True, slots=True)
class _Death:
    """How a thread died.

    Attributes:
        cause: the kind of death.
        sent: whether a signal was sent, or comes late: the PC is not where it happened.
        tags: how pointer and memory tag relate; empty where it was no tag check fault.
        memory: allocation tags of the granules that the access may have touched.
    """

    cause: str
    sent: bool = False
    tags: str = ""
    memory: tuple[int | Absent, ...] = ()


def signature(session: Session) -> Signature:
    """The signature of a dead process, by what its file itself has of the thread that died.

    Raises:
        NoTargetError: it has no threads.
    """
    thread = session.current_thread()
    death = _death(session, thread)
    registers = or_else(session.target.registers(thread), {})
    if "pc" not in registers:
        return Signature(death.cause, tags=death.tags, place="unknown")
    pc, guest = session.strip(registers["pc"]), guest_place(session, thread)
    transition = _handled(session, thread, pc, death) or _in_progress(session)
    place = guest.range or _host_place(session, thread, pc, registers, sent=death.sent)
    return Signature(death.cause, transition, place, guest.function, guest.memop, death.tags)


def _death(session: Session, thread: Thread) -> _Death:
    info = session.target.signal(thread)
    if isinstance(info, Absent):
        return _Death("no signal", sent=True)
    name = name_signal(info)
    if name.tag_check is FaultKind.SYNCHRONOUS:
        return _synchronous(session, thread, info)
    if name.tag_check is FaultKind.ASYNCHRONOUS:
        return _Death("tag check fault (asynchronous)", sent=True)
    near = name.addressed and present(info.address) and is_near_null(session.strip(info.address))
    return _Death(f"{name} near null" if near else str(name), sent=not name.addressed)


def _synchronous(session: Session, thread: Thread, info: SignalInfo) -> _Death:
    stale = stale_pair(session, thread) is not None
    cause = "tag check fault on a stale pair" if stale else "tag check fault (synchronous)"
    raw = info.address
    if isinstance(raw, Absent):
        return _Death(cause)
    start = granule_of(session.strip(raw))
    tags = tuple(by_granule(session.target.read_tags(start, start + _LONGEST_PAIR)).values())
    # The address is somewhere in the access, which may reach into the next granule.
    pointer = logical_tag(raw)
    touched = tags[:1] if tags[0] != pointer else tags
    return _Death(cause, tags=_relation(session, thread, pointer, touched), memory=touched)


def _relation(session: Session, thread: Thread, pointer: int, tags: Iterable[int | Absent]) -> str:
    """How they relate, in words that do not depend on which tags chance chose."""
    memory = next((tag for tag in tags if tag != pointer), pointer)
    if isinstance(memory, Absent):
        return f"memory tag {memory.reason.value}"
    if memory == pointer:
        return "the tags match now"
    runtimes = session.runtimes
    if not isinstance(runtimes, Absent):
        shared, own = runtimes[0].shared_tag, own_tag(session, thread)
        if present(shared):
            return f"pointer {_whose(pointer, shared, own)}, memory {_whose(memory, shared, own)}"
    if pointer == 0:
        return "pointer without tag, memory tagged"
    return "pointer tagged, memory tag 0" if memory == 0 else "both tagged, and differ"


def _whose(tag: int, shared: int, own: int | Absent) -> str:
    if tag == shared:
        return "shared"
    if isinstance(own, Absent):
        return "a core's"
    return "own core's" if tag == own else "another core's"


def _handled(session: Session, thread: Thread, pc: int, death: _Death) -> str:
    """What the runtime does about a synchronous fault; empty where nothing is known."""
    if not death.memory:
        return ""
    from mtedbg.analysis.fault.handling import handling

    return or_else(handling(session, thread, pc, death.memory).kind, "")


def _in_progress(session: Session) -> str:
    """What the runtime was changing first; empty where nothing."""
    for change in changes(session)[:1]:
        entry = change.entry
        is_patch = entry.operation == Operation.PATCH_MEMOP
        what = f"{change.transition} patch" if is_patch else entry.operation
        return f"{what} in progress, phase {spelled(entry.phase)}"
    return ""


def _host_place(
    session: Session, thread: Thread, pc: int, registers: Mapping[str, int], *, sent: bool
) -> str:
    """File and offset of the PC; where that says little, also of its callers.

    That is so where a signal was sent, and where the PC is in no mapping: then x30 is what a call
    left.
    """
    here = _module(session, pc)
    if not sent and here != _NOWHERE:
        return here
    link = [session.strip(registers.get("x30", 0))] if here == _NOWHERE else []
    callers = chain(link, _callers(session, thread, registers))
    calls = (_module(session, address) for address in callers)
    known = (call for call in calls if call != _NOWHERE and not _LIBRARY.match(call))
    outer = [*islice(known, CALLERS)]
    first = [] if _LIBRARY.match(here) and outer else [here]
    return " ← ".join([*first, *outer][:CALLERS])


def _callers(session: Session, thread: Thread, registers: Mapping[str, int]) -> Iterator[int]:
    """As they were recorded where the process died, else as far as the stack was dumped."""
    recorded = or_else(recorded_calls(session, thread), ())
    if not recorded:
        return return_addresses(session, registers)
    return (call.pc for call in recorded[1:])


def _module(session: Session, address: int) -> str:
    target = session.target
    where = target.module_at(address) if isinstance(target, ModuleFinder) else None
    if where is None or isinstance(where, Absent):
        return "no file" if _mapped(session, address) else _NOWHERE
    name = where.name.rsplit("/", 1)[-1].removesuffix(" (deleted)")
    return f"{name}+{where.offset:#x}"


def _mapped(session: Session, address: int) -> bool:
    data = session.target.read_memory(address, 1)
    return not isinstance(data, Absent) or data.reason is not Reason.UNMAPPED
