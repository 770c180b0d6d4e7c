"""The cause of death in words: what was in progress, the fault, and what may have caused it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import HOST, symbolize
from mtedbg.analysis.fault.at_pc import mismatch_at_pc
from mtedbg.analysis.fault.death import Death, death
from mtedbg.analysis.fault.fault import Fault
from mtedbg.analysis.fault.guest_death import (
    GuestDeath,
    called_from,
    guest_death,
    killed_guests,
    place_of,
)
from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.analysis.fault.non_mte import NonMteFault, of_fault
from mtedbg.analysis.fault.words import DOUBT, brief, headline, remarks
from mtedbg.analysis.interrupted import place_of_death
from mtedbg.analysis.memops.changes import Change, changes, step_of
from mtedbg.analysis.memops.stale import StalePair, stale_pairs
from mtedbg.analysis.postmortem.killer import earlier, sent_by_handler, who_sent
from mtedbg.analysis.postmortem.recorded import recorded_causes
from mtedbg.analysis.postmortem.relevant import is_relevant, plain
from mtedbg.analysis.tags.owner import SHARED, owner
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else, present, then
from mtedbg.model.cause import Cause, CauseKind, Hypothesis, Strength
from mtedbg.model.operation import OF_MEMORY
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.analysis.code.symbolize import Symbolized
    from mtedbg.analysis.stacks.guest_calls import GuestLevel
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

GUEST = "guest"
"""What the code of such a death is in."""
_MOST = 4
"""Changes, threads and recorded causes that are named."""


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What a cause is made of.

    Attributes:
        death: how the process died.
        thread: whose fault that was.
        fault: the fault.
        place: where it was.
        changes: that were in progress.
        pairs: of memops, that are stale.
        other: what is known of a fault that is no tag check's.
    """

    death: Death
    thread: Thread
    fault: Fault
    place: Symbolized | Absent
    changes: tuple[Change, ...]
    pairs: tuple[StalePair, ...]
    other: NonMteFault

    @property
    def patch(self) -> Change | None:
        """The first change of a memop or of memory."""
        return next(
            (change for change in self.changes if change.entry.operation in OF_MEMORY), None
        )

    @property
    def on_stale_pair(self) -> bool:
        """Whether the thread that died has a stale pair itself."""
        return any(pair.thread == self.thread for pair in self.pairs)


@once
def cause(session: Session) -> Cause:
    """Why a process died."""
    if not session.target.threads():
        return Cause(CauseKind.UNKNOWN, "the cause is not known: no thread is in this core")
    own_doing = guest_death(session)
    if own_doing is not None:
        return _of_guest(own_doing)
    found = _evidence(session, death(session))
    patch = found.patch
    own = (*mismatch_at_pc(session, found.death), *found.other.hypotheses)
    hypotheses = _in_order(own, heap_hypotheses(session, found.fault))
    return Cause(
        _kind(found),
        "; ".join((*_words(found, hypotheses), *_guests(session))),
        tuple(_reasons(session, found)),
        then(found.fault.name, str),
        NOT_APPLICABLE if patch is None else patch.transition,
        then(found.place, lambda place: place.code),
        then(found.place, lambda place: place.function),
        _memop(found),
        _relation(session, found.fault),
        hypotheses,
        found.thread.number,
        then(found.death.killer, str),
        found.death.certain,
    )


def _guests(session: Session) -> Iterator[str]:
    """Where a translated program was that was killed from outside."""
    for one in killed_guests(session)[:_MOST]:
        inner = one.levels[0]
        if present(inner.function) or present(inner.program):
            number = one.guest.frame.thread_id
            caller = _caller(one.levels)
            called = f", {caller}" if caller else ""
            yield f"guest thread {number} was in {place_of(inner)}{called}"


def _caller(levels: Sequence[GuestLevel]) -> str:
    """Who called the innermost function: a library's fails, or waits, for whoever called it."""
    caller = next((level for level in levels if _matters(level)), levels[0])
    return "" if caller is levels[0] else called_from(caller)


def _of_guest(died: GuestDeath) -> Cause:
    """Of a translated program that ended itself: its runtime has no part in it."""
    levels = died.levels
    caller = _caller(levels)
    told = f"; {caller}" if caller else ""
    if died.killed_by:
        told += f"; in its handler: {died.killed_by}, {died.ended}"
    reasons = (
        *((died.callers,) if died.callers else ()),
        *(
            (f"system calls that failed as the runtime lacks them: {died.missing}",)
            if died.missing
            else ()
        ),
        "the runtime ended itself by the guest's signal: the host's registers and calls are the way"
        " out",
    )
    return Cause(
        CauseKind.GUEST,
        f"{died}{told}",
        reasons,
        died.signal,
        code=GUEST,
        function=levels[0].function if present(levels[0].function) else levels[0].in_file,
        thread=died.thread.number,
        killed_by=died.killed_by or NOT_APPLICABLE,
    )


def _matters(level: GuestLevel) -> bool:
    whose = level.program.name if present(level.program) else ""
    return bool(whose) and is_relevant(whose, plain(or_else(level.function, "")))


def _evidence(session: Session, died: Death) -> _Evidence:
    return _Evidence(
        died,
        died.thread,
        died.fault,
        then(_place(session, died), partial(symbolize, session)),
        changes(session),
        stale_pairs(session),
        of_fault(session, died.thread, died.fault),
    )


def _place(session: Session, died: Death) -> int | Absent:
    """The PC that a post-mortem speaks of: the fault's, else the interrupted code's."""
    if died.fault.interrupted is not None:
        return died.fault.at.pc
    return place_of_death(session, died.thread)[0]


def _kind(found: _Evidence) -> CauseKind:
    met = found.fault
    if found.on_stale_pair:
        return CauseKind.STALE_PAIR
    if found.patch is not None:
        return CauseKind.PATCH
    if met.tag_check is not None:
        return CauseKind.ASYNCHRONOUS if met.is_imprecise else CauseKind.SYNCHRONOUS
    if isinstance(met.name, Absent):
        return CauseKind.UNKNOWN if met.name.is_hole else CauseKind.NONE
    if not met.name.code:
        return CauseKind.UNKNOWN
    return CauseKind.SENT if met.name.sent else CauseKind.FAULT


def _memop(found: _Evidence) -> int | Absent:
    """The memop that faulted, else the one that was being patched."""
    if present(found.fault.memop) or found.patch is None:
        return found.fault.memop
    return found.patch.entry.memop or NOT_APPLICABLE


def _words(found: _Evidence, hypotheses: tuple[Hypothesis, ...]) -> Iterator[str]:
    """The parts of the line, what came before the fault first."""
    for change in found.changes[:_MOST]:
        yield str(change)
    others = [pair for pair in found.pairs if pair.thread != found.thread]
    for pair in others[:_MOST]:
        yield f"thread {pair.thread.number} holds a stale pair of memop {pair.memop.id}"
    yield _of_death(found)
    if where := _in_foreign_code(found.place):
        yield f"in {where}"
    if hypotheses and hypotheses[0].evident:
        first = hypotheses[0]
        yield f"{DOUBT[first.strength]}{first.what}"


def _in_foreign_code(place: Symbolized | Absent) -> str:
    """What the code is of, where a JIT without a debug root made it; else nothing."""
    jit = then(place, lambda one: one.jit)
    return jit.frame if present(jit) and jit.foreign is not None else ""


def _of_death(found: _Evidence) -> str:
    """The fault, whose it was, and the signal that killed."""
    who, died = f"thread {found.thread.number}", found.death
    words = headline(found.fault)
    if found.on_stale_pair:
        words = f"{who} faulted on a stale pair: {words}"
    elif died.thread != died.killed:
        killer = f"thread {died.killed.number} was killed by {or_else(died.killer, 'a signal')}"
        if not died.certain:
            return f"{killer}; perhaps because of {who}: {brief(found.fault)}"
        words = f"{who}: {words}; {killer}"
    return words if died.certain or words.startswith("perhaps") else f"perhaps {words}"


def _reasons(session: Session, found: _Evidence) -> Iterator[str]:
    """What the line rests on."""
    for change in found.changes[:_MOST]:
        if step := or_else(step_of(change), ""):
            yield f"memop {change.entry.memop}: {step}"
    for one in found.pairs[:_MOST]:
        yield (
            f"thread {one.thread.number} at memop {one.memop.id}: [1] gave tag {one.pair.left},"
            f" it would give {one.pair.now} now; {one.pair.meaning}"
        )
    yield from _of_fault(session, found)
    yield from found.other.reasons
    yield from remarks(found.fault)
    yield from earlier(session, found.death)
    for text in recorded_causes(session)[:_MOST]:
        yield f"the system says: {text}"


def _of_fault(session: Session, found: _Evidence) -> Iterator[str]:
    met = found.fault
    if present(met.name) and met.name.sent:
        yield from who_sent(session, found.thread, "the signal")
    elif sent_by_handler(found.death):
        yield from who_sent(session, found.death.killed, str(found.death.killer))
    if met.is_imprecise:
        yield from _of_suspect(met)
    elif present(met.transition) and present(met.memop):
        yield f"what the runtime does about it: {met.transition}"
    elif present(met.transition):
        yield "the PC is in no memop: the runtime passes the fault to the previous handler"
        if present(found.place) and found.place.code == HOST:
            yield "it was in host code, where a guest's pointer has no tag of its own"


def _of_suspect(met: Fault) -> Iterator[str]:
    """Why the first suspect of an asynchronous fault is that: not that it is the culprit."""
    for first in met.suspects[:1]:
        tags = f"tag {first.pointer_tag}, memory {first.memory_tag}"
        used = ""
        if first.used is not None:
            instructions = f"{first.used.distance} instructions before {first.used.before}"
            used = f", base of an access {instructions}"
        yield f"the first suspect is {first.name}: {tags}{used}; nothing here is certain"


def _relation(session: Session, met: Fault) -> str | Absent:
    pointer = met.pointer_tag
    if isinstance(pointer, Absent):
        return pointer
    other = next((one.tag for one in met.granules if one.tag != pointer), pointer)
    if isinstance(other, Absent):
        return other
    return f"pointer {_stands_for(session, pointer)}, memory {_stands_for(session, other)}"


def _stands_for(session: Session, tag: int) -> str:
    whose = owner(session, tag)
    if isinstance(whose, Absent):
        return "tagged" if tag else "tag 0"
    return SHARED if whose == SHARED else "core"


def _in_order(
    of_address: tuple[Hypothesis, ...], of_memory: tuple[Hypothesis, ...]
) -> tuple[Hypothesis, ...]:
    """What an allocator's records tell comes before what an address looks like."""
    known = bool(of_memory) and of_memory[0].strength in (Strength.READ, Strength.LIKELY)
    return (*of_memory, *of_address) if known else (*of_address, *of_memory)
