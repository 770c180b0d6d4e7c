"""The cause of death in words: what was in progress, the fault, and what may be behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from mtedbg.analysis.code.symbolize import HOST, symbolize
from mtedbg.analysis.fault.fault import Fault, fault
from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.analysis.fault.non_mte import non_mte_fault
from mtedbg.analysis.fault.words import headline, remarks
from mtedbg.analysis.interrupted import place_of_death
from mtedbg.analysis.memops.progress import entries, in_words, step_of, transition_of
from mtedbg.analysis.memops.stale import stale_pairs
from mtedbg.analysis.postmortem.recorded import recorded_causes
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.analysis.tags.owner import SHARED, owner
from mtedbg.decode.heap.abort_message import abort_message
from mtedbg.model.absent import NOT_APPLICABLE, Absent, present, then
from mtedbg.model.cause import Cause, CauseKind, Hypothesis
from mtedbg.model.operation import OF_MEMORY
from mtedbg.report import Column, Kind, Line, Report, Row, Span, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

COLUMNS = (
    Column("kind", Kind.TEXT, "the kind of death"),
    Column("cause", Kind.TEXT, "all of it in one line"),
    Column("because", Kind.LIST, "what that rests on"),
    Column("signal", Kind.TEXT, "signal and code"),
    Column("transition", Kind.TEXT, "the patch that was in progress"),
    Column("code", Kind.TEXT, "what kind of code the thread was in"),
    Column("function", Kind.TEXT, "guest function or host symbol; else file and offset"),
    Column("memop", Kind.COUNT, "the memop that faulted or was being patched"),
    Column("relation", Kind.TEXT, "the pointer's tag and the memory's, by what they stand for"),
    Column("guesses", Kind.LIST, "what may be behind it, likeliest first: never certain"),
)
_MOST = 4
"""Changes and threads that the line names."""
_NOT_RAISED = "the signal was sent, not raised by an access"
_LIBC = re.compile(r"/(lib(c|pthread)|ld-linux[\w-]*)[.-][^/]*$|^\[vdso\]$")


def cause(session: Session) -> Cause:
    """Why the session's thread, and with it the process, died."""
    if not session.target.threads():
        return Cause(CauseKind.UNKNOWN, "the cause is not known: no thread is in this core")
    met = fault(session, session.thread())
    pc, _ = place_of_death(session, session.thread())
    there = then(pc, partial(symbolize, session))
    code, function = then(there, lambda one: one.code), then(there, lambda one: one.function)
    changes = list(entries(session))
    mine, stale_words, stale_reasons = _stale(session)
    other = non_mte_fault(session, session.thread())
    found = other.hypotheses or _hypotheses(session, met)
    words = [in_words(session, *change) for change in changes[:_MOST]] + stale_words
    fault_words = f"thread {session.thread().number} faulted on a stale pair" if mine else ""
    words.append(": ".join(filter(None, (fault_words, headline(met)))))
    if found and found[0].evident:
        words.append(f"perhaps {found[0].what}")
    patches = [entry for _, entry in changes if entry.operation in OF_MEMORY]
    memop = met.memop
    if isinstance(memop, Absent) and patches:
        memop = patches[0].memop or NOT_APPLICABLE
    because = _steps(session) + stale_reasons + _reasons(session, met, code)
    because += [*other.reasons, *remarks(met)]
    because += [f"the system says: {one}" for one in recorded_causes(session)[:_MOST]]
    return Cause(
        _kind(met, mine=mine, patching=bool(patches)),
        "; ".join(words),
        tuple(because),
        then(met.name, str),
        transition_of(patches[0]) if patches else NOT_APPLICABLE,
        code,
        function,
        memop,
        _relation(session, met),
        found,
    )


def _kind(met: Fault, *, mine: bool, patching: bool) -> CauseKind:
    if mine:
        return CauseKind.STALE_PAIR
    if patching:
        return CauseKind.PATCH
    if met.tag_check is not None:
        return CauseKind.ASYNCHRONOUS if met.is_imprecise else CauseKind.SYNCHRONOUS
    if isinstance(met.name, Absent):
        return CauseKind.UNKNOWN if met.name.is_hole else CauseKind.NONE
    if not met.name.code:
        return CauseKind.UNKNOWN
    return CauseKind.SENT if met.name.sent else CauseKind.FAULT


def _stale(session: Session) -> tuple[bool, list[str], list[str]]:
    """Whether the session's thread has a stale pair; words about others, reasons of all."""
    mine = False
    words: list[str] = []
    reasons: list[str] = []
    current = session.thread().number
    for thread, memop, pair in stale_pairs(session):
        if thread.number == current:
            mine = True
        elif len(words) < _MOST:
            words.append(f"thread {thread.number} holds a stale pair of memop {memop.id}")
        if len(reasons) < _MOST:
            reasons.append(
                f"thread {thread.number} at memop {memop.id}: [1] gave tag {pair.left}, it would"
                f" give {pair.now} now; {pair.meaning}"
            )
    return mine, words, reasons


def _steps(session: Session) -> list[str]:
    """How far the patches in flight have come."""
    found = []
    for runtime, entry in list(entries(session))[:_MOST]:
        step = step_of(runtime, entry)
        if isinstance(step, str) and step:
            found.append(f"memop {entry.memop}: {step}")
    return found


def _reasons(session: Session, met: Fault, code: str | Absent) -> list[str]:
    if present(met.name) and met.name.sent:
        return _sender(session)
    if met.is_imprecise:
        return _suspicion(met)
    if isinstance(met.transition, Absent):
        return []
    if present(met.memop):
        return [f"what the runtime does about it: {met.transition}"]
    why = "the PC is no memop: the runtime hands the fault to the previous handler"
    if code != HOST:
        return [why]
    return [why, "it was in host code, where a guest's pointer has no tag of its own"]


def _suspicion(met: Fault) -> list[str]:
    """Why the first suspect of an asynchronous fault is that: not that it is the culprit."""
    if not met.suspects:
        return []
    first = met.suspects[0]
    used = ""
    if first.used is not None:
        used = f", base of an access {first.used.distance} instructions before {first.used.before}"
    tags = f"tag {first.pointer_tag}, memory {first.memory_tag}"
    return [f"the first suspect is {first.name}: {tags}{used}; nothing here is certain"]


def _sender(session: Session) -> list[str]:
    """Who asked for the signal: the innermost frame that is not the C library's; what it said."""
    message = abort_message(session.target)
    said = [] if isinstance(message, Absent) else [f"it said: {message}"]
    calls = host_calls(session, session.thread())
    for frame in () if isinstance(calls, Absent) else calls.frames:
        if not _LIBC.search(frame.file):
            return [f"{_NOT_RAISED}; called from {frame.function}", *said]
    return [_NOT_RAISED, *said]


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


def suspect(met: Fault) -> tuple[int, str] | None:
    """The pointer that faulted, or of an asynchronous fault the likeliest, and where it was."""
    if met.suspects:
        return met.suspects[0].value, met.suspects[0].name
    return None if isinstance(met.pointer, Absent) else (met.pointer, "")


def _hypotheses(session: Session, met: Fault) -> tuple[Hypothesis, ...]:
    found = suspect(met)
    if found is None or found[1]:  # of an asynchronous fault not even the pointer is certain
        return ()
    return heap_hypotheses(session, found[0])


def cause_report(session: Session) -> Report:
    """The cause as a report; its headline is the first line of a post-mortem."""
    found = cause(session)
    row: Row = {
        "kind": found.kind.value,
        "cause": found.words,
        "because": found.reasons,
        "signal": found.signal,
        "transition": found.transition,
        "code": found.code,
        "function": found.function,
        "memop": found.memop,
        "relation": found.relation,
        "guesses": tuple(
            {"guess": one.what, "because": "; ".join(one.reasons)} for one in found.hypotheses
        ),
    }
    picture = tuple(_drawn(found))
    return flat("cause", session.info, COLUMNS, (row,), picture=picture, headline=found.words)


def _drawn(found: Cause) -> Iterator[Line]:
    """What the first line rests on."""
    where = [part for part in (found.function, found.code) if isinstance(part, str)]
    if where:
        yield (Span("in       ", "heading"), Span(", ".join(where)))
    for reason in found.reasons:
        yield (Span("because  ", "heading"), Span(reason))
    for guess in found.hypotheses:
        yield (Span("perhaps  ", "heading"), Span(f"{guess.what}: {'; '.join(guess.reasons)}"))
