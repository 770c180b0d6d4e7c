"""What a thread will do when it goes on, in words: the last line of `mte-step`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands._step_items import place_in, whose
from mtedbg.decode.code.instruction import text_of
from mtedbg.model.absent import NOT_APPLICABLE, Absent, present
from mtedbg.model.handling import Handling, Position
from mtedbg.model.memop import MemopState, Mode
from mtedbg.model.operation import Operation
from mtedbg.model.phase import Phase
from mtedbg.model.pointer import logical_tag

if TYPE_CHECKING:
    from mtedbg.analysis.stepping.context import StepContext
    from mtedbg.analysis.stepping.upcoming import NewWord

_ORDERS: dict[Mode | Absent, str] = {
    Mode.LOCAL: "a plain access",
    Mode.SHARED: "an ordered access",
}
_LOCKED = "a locked access"
_UNKNOWN_FORM = "an access"
_PHASES = {
    Phase.FAULT: "the handler begins",
    Phase.LOOKUP: "find the code block and the memop of the PC, without a lock",
    Phase.LOCK: "take the lock, read tags and mode again, decide",
    Phase.BARRIER: "a barrier on every core that runs this process",
    Phase.ICACHE: "clean the caches of the words that are new",
    Phase.UNLOCK: "close the journal, release the lock",
}


def following(found: StepContext) -> str:
    """What the thread will do when it goes on."""
    now = found.now
    if present(now.phase):
        return _phase(found, now.phase)
    if now.position is Position.SIGNAL:
        return "the program gets the signal: the handler begins"
    if now.position is Position.HANDLER:
        return "the handler continues"
    if present(now.memop) and now.position is Position.INSERT:
        return _insert(found, now.memop)
    if present(now.memop) and now.position is Position.ACCESS:
        return _access(found)
    return "the program continues, up to the next fault of any thread"


def _phase(found: StepContext, phase: Phase) -> str:
    now, coming = found.now, found.upcoming
    if phase is Phase.PATCH_MEMOP:
        return f"write [2]: {_word(coming.word)}"
    if phase is Phase.PATCH_ADDRESS:
        return f"write [1]: {_word(coming.word)}"
    if phase is Phase.RETAG and present(coming.tag):
        return f"write tag {coming.tag} to the memory"
    if phase is Phase.BARRIER and present(now.journal):
        tag = now.journal.new_tag
        if now.journal.operation == Operation.PATCH_MEMOP:
            return f"{_PHASES[phase]}; after the one that comes with [2], tag {tag} to the memory"
        return f"{_PHASES[phase]}, twice, and then tag {tag} to the memory"
    if phase is Phase.RESUME and present(now.resumes):
        return f"the handler returns, the thread continues {place_in(now, now.resumes)}"
    return _PHASES.get(phase, phase.value)


def _word(new: NewWord | Absent) -> str:
    """What a patch will make of a word."""
    if isinstance(new, Absent):
        return "the word of the other form"
    if isinstance(new.word, Absent):
        return f"the word of the {new.mode.value.lower()} form"
    return text_of(new.word, new.address)


def _insert(found: StepContext, state: MemopState) -> str:
    if state.memop.covers_out_of_line(found.now.pc):
        return "on to the access, out of line, by the tag that the memory has"
    if found.now.pc != state.memop.tag_address:
        return "on to [2]"
    if found.now.form(1) is Mode.EITHER:
        return "[1] branches to the out-of-line form, which reads the memory's tag"
    if isinstance(found.upcoming.inserts, Absent):
        return "[1] puts a tag into the pointer"
    return f"[1] gives the pointer {whose(found, found.upcoming.inserts)}"


def _access(found: StepContext) -> str:
    now, pair = found.now, found.upcoming.pair
    if isinstance(now.pointer, Absent) or not now.granules:
        return "the access"
    tag = logical_tag(now.pointer)
    what = f"{_order(now)} with pointer tag {tag}"
    other = next((one.tag for one in now.granules if one.tag != tag), None)
    if isinstance(other, Absent):
        return f"{what} on memory whose tag is not known: {other}"
    if other is not None:
        return f"{what} on {whose(found, other)}: it faults"
    outcome = f"{what} on {whose(found, tag)}: it succeeds"
    if isinstance(pair, Absent) or not pair.stale:
        return outcome
    return f"{outcome}. Stale pair: {pair.meaning}"


def _order(now: Handling) -> str:
    if isinstance(now.memop, MemopState) and now.memop.memop.covers_out_of_line(now.pc):
        own = now.memop.memop.accesses_own
        if isinstance(own, Absent):
            return f"{_LOCKED}, out of line,"
        return f"{_ORDERS[Mode.LOCAL if now.pc == own else Mode.SHARED]}, out of line,"
    form = now.form(2)
    return _ORDERS.get(form, _LOCKED if form == NOT_APPLICABLE else _UNKNOWN_FORM)
