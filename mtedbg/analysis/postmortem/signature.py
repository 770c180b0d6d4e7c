"""The signature of a death: what two runs of the same crash have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from mtedbg.analysis.fault.death import Death, death
from mtedbg.analysis.fault.guest_death import guest_death, killed_guests
from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.analysis.memops.changes import changes
from mtedbg.analysis.memops.stale import stale_pair
from mtedbg.analysis.postmortem.calls import Calls, registers_of_death, relevant_calls
from mtedbg.analysis.postmortem.guest_place import GuestPlace, guest_place
from mtedbg.analysis.postmortem.recorded import recorded_calls, recorded_facts
from mtedbg.analysis.stacks.guest_frame import own_tag
from mtedbg.analysis.tags.runs import by_granule
from mtedbg.dataclass import replace
from mtedbg.decode.heap.abort_message import abort_message
from mtedbg.model.absent import Absent, or_else, present
from mtedbg.model.cause import Relation, Strength
from mtedbg.model.fault import FaultKind
from mtedbg.model.operation import Operation
from mtedbg.model.phase import spelled
from mtedbg.model.pointer import GRANULE, granule_of, is_near_null
from mtedbg.model.triage import Call, Evidence, Signature

if TYPE_CHECKING:
    from mtedbg.analysis.fault.fault import Fault
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

ABORT_MESSAGE = "abort message"
_LONGEST_MESSAGE = 200
_LONGEST_PAIR = 2 * GRANULE
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{6,}\b|\d+")
_ADDRESS = re.compile(r"0x[0-9a-f]+")
_CORE = re.compile(r"core \d+")


def signature(session: Session) -> tuple[Signature, Evidence]:
    """The signature of a dead process, and what it was made of.

    Raises:
        NoTargetError: it has no threads.
    """
    dead = death(session)
    thread, met = dead.thread, dead.fault
    cause, tags = _cause(session, dead), _tags(session, thread, met)
    program = PurePosixPath(session.info.executable).name
    message = _message(session)
    registers = registers_of_death(session)
    if "pc" not in registers:
        return _by_record(session, Signature(cause, program=program, message=message), tags)
    pc = session.strip(registers["pc"])
    own_doing = guest_death(session)
    guest, transition = GuestPlace(), ""
    if own_doing is None and not killed_guests(session):
        guest = guest_place(session, thread, pc)
        transition = _handled(session, thread, pc, met) or _in_progress(session)
    elif own_doing is not None:
        cause = f"guest's {own_doing.signal}: {_kind_of(own_doing.what)}"
    found = relevant_calls(session)
    program = found.guest or program  # a translator's own name says nothing
    # Translated code is another's at every run: the guest's own place says it all.
    deciding = found.calls[: 0 if guest.range else found.deciding]
    imprecise = own_doing is None and (met.is_imprecise or not _raised_here(session, dead))
    words = tuple(_words(deciding, imprecise=imprecise))
    made = Signature(
        cause,
        transition,
        guest.range or (words[0] if words else "nowhere"),
        guest.function,
        guest.memop,
        program,
        words,
        message,
        _object_relation(session, met),
        builds=" ".join(dict.fromkeys(one.build_id for one in deciding if not one.function)),
    )
    first = thread.tid == or_else(session.info.pid, thread.tid)
    return made, Evidence(found.calls, len(deciding), found.rooted, first, imprecise, tags)


def _kind_of(what: str) -> str:
    """What a guest did, without what is another in every run."""
    found = _ADDRESS.search(what)
    near = found is not None and is_near_null(int(found[0], 16))
    return without_numbers(what.partition(",")[0]) + (" near null" if near else "")


def _by_record(session: Session, made: Signature, tags: str) -> tuple[Signature, Evidence]:
    """The signature of what has no PC: by the calls that were recorded, if any were."""
    recorded = or_else(recorded_calls(session, death(session).thread), ())
    found = relevant_calls(session) if recorded else Calls()
    deciding = found.calls[: found.deciding]
    words = tuple(map(str, deciding))
    place = words[0] if words else "unknown"
    return replace(made, place=place, calls=words), Evidence(
        found.calls, len(deciding), found.rooted, tags=tags
    )


def _words(calls: Iterable[Call], *, imprecise: bool) -> Iterable[str]:
    """The frames in words; of where a thread happened to be only the function or file."""
    for level, one in enumerate(calls):
        if imprecise and level == 0:
            yield one.function or one.module or str(one)
        else:
            yield str(one)


def _cause(session: Session, dead: Death) -> str:
    """The kind of death."""
    name, raw = dead.fault.name, dead.fault.raw_address
    if isinstance(name, Absent):
        facts = or_else(recorded_facts(session), ())
        return next((one.text for one in facts if one.about == "kind"), "no signal")
    if name.tag_check is FaultKind.SYNCHRONOUS:
        stale = stale_pair(session, dead.thread) is not None
        return "tag check fault on a stale pair" if stale else "tag check fault (synchronous)"
    if name.tag_check is FaultKind.ASYNCHRONOUS:
        return "tag check fault (asynchronous)"
    if name.sent:  # by raise, kill or tgkill: that is how, and no more
        return name.signal if _raised_here(session, dead) else f"{name.signal} from elsewhere"
    near = name.addressed and present(raw) and is_near_null(session.strip(raw))
    return f"{name} near null" if near else str(name)


def _object_relation(session: Session, met: Fault) -> str:
    """How the access lies to its object; empty where that is not read, but likely or less."""
    if met.tag_check is not FaultKind.SYNCHRONOUS:
        return ""
    first = next(iter(heap_hypotheses(session, met)), None)
    if first is None or first.strength is not Strength.READ or first.relation is Relation.UNKNOWN:
        return ""
    return str(first.relation.value)


def _raised_here(session: Session, dead: Death) -> bool:
    """Whether the process itself made the signal: then the thread's calls are about it."""
    signal, pid = dead.fault.signal, session.info.pid
    if isinstance(signal, Absent):
        return False
    return isinstance(signal.sender, Absent) or isinstance(pid, Absent) or signal.sender == pid


def _touched(session: Session, met: Fault) -> tuple[int | Absent, ...]:
    """Allocation tags of the granules that the access of a synchronous fault may have touched."""
    if met.tag_check is not FaultKind.SYNCHRONOUS or isinstance(met.address, Absent):
        return ()
    start = granule_of(met.address)
    tags = tuple(by_granule(session.target.read_tags(start, start + _LONGEST_PAIR)).values())
    # The address is somewhere in the access, which may reach into the next granule.
    return tags[:1] if tags[0] != met.pointer_tag else tags


def _tags(session: Session, thread: Thread, met: Fault) -> str:
    """How pointer and memory tag relate, in words that do not depend on which tags chance chose."""
    pointer, touched = met.pointer_tag, _touched(session, met)
    if not touched or isinstance(pointer, Absent):
        return ""
    memory = next((tag for tag in touched if tag != pointer), pointer)
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


def _handled(session: Session, thread: Thread, pc: int, met: Fault) -> str:
    """What the runtime does about a synchronous fault; empty where nothing is known."""
    memory = _touched(session, met)
    if not memory:
        return ""
    from mtedbg.analysis.fault.handling import handling

    # The core whose tag the memory is to get is chosen by chance.
    return _CORE.sub("a core", or_else(handling(session, thread, pc, memory).kind, ""))


def _in_progress(session: Session) -> str:
    """What the runtime was changing first; empty where nothing."""
    for change in changes(session)[:1]:
        entry = change.entry
        is_patch = entry.operation == Operation.PATCH_MEMOP
        what = f"{change.transition} patch" if is_patch else entry.operation
        phase = f", phase {spelled(entry.phase)}" if entry.has_phases else ""
        return f"{what} in progress{phase}"
    return ""


def _message(session: Session) -> str:
    """What the program said when it ended itself, without what is another in every run."""
    facts = or_else(recorded_facts(session), ())
    said = next((one.text for one in facts if one.about == ABORT_MESSAGE), "")
    return without_numbers(said or or_else(abort_message(session.target), ""))


def without_numbers(text: str) -> str:
    """`text` with its numbers and addresses taken out, and no longer than matters."""
    return _NUMBER.sub("N", text)[:_LONGEST_MESSAGE]
