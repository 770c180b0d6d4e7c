"""A moment of fault handling as a list of things that may change, in words; and what is next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.analysis.tags.owner import SHARED, guard_of, guards, owner
from mtedbg.decode.code.instruction import text_of
from mtedbg.decode.memops.pair import Pair
from mtedbg.decode.memops.words import access_in, insert_in
from mtedbg.decode.stack.registers import register_number
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.handling import Handling, Item, Position
from mtedbg.model.memop import MemopState, Mode, Word
from mtedbg.model.pointer import logical_tag
from mtedbg.model.runtime import Config, Journal

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

THREAD, PAIR, PINNED = "thread ", "pair of thread ", "pinned"
COMING = (THREAD, PAIR, PINNED)
"""How the keys begin of what comes and goes."""

_MODES = (Mode.LOCAL, Mode.SHARED)
_ORDERS: dict[Mode | Absent, str] = {
    Mode.LOCAL: "a plain access",
    Mode.SHARED: "an ordered access",
}
_NEXT = {
    "fault": "the handler begins",
    "lookup": "find the code block and the memop of the PC, without a lock",
    "lock": "take the lock, read tags and mode again, decide",
    "barrier": "a barrier on every core that runs this process",
    "icache": "clean the caches of both words, make every core fetch them anew",
    "unlock": "close the journal, release the lock",
}


def items(session: Session, now: Handling) -> list[Item]:
    """Everything that fault handling may change, as it is at this moment."""
    return [*_memory(session, now), *_memop(now), *_protocol(session, now), *_others(now)]


def _whose(session: Session, tag: int | Absent) -> str:
    if isinstance(tag, Absent):
        return f"<{tag}>"
    if tag in guards(session):
        return f"tag {tag}, the guard's: it is changing hands"
    whose = owner(session, tag)
    if isinstance(whose, Absent):
        return f"tag {tag}"
    return f"tag {tag}, {whose if whose == SHARED else f'core {whose}'}"


def _memory(session: Session, now: Handling) -> Iterator[Item]:
    if isinstance(now.pointer, int):
        tag = _whose(session, logical_tag(now.pointer))
        yield Item("pointer", tag, session.strip(now.pointer))
    for granule in now.granules:
        yield Item(f"memory {granule.address:#x}", _whose(session, granule.tag), granule.address)


def _memop(now: Handling) -> Iterator[Item]:
    if isinstance(now.memop, Absent):
        return
    for word in now.memop.words:
        yield Item(f"[{word.part}]", _text(word.word, word.address), word.address)
    record = now.memop.memop
    yield Item("mode", record.mode)
    yield Item("flips", str(record.flips))
    if isinstance(record.pinned, int) and record.pinned:
        yield Item(PINNED, "stays shared for good")


def _text(word: int | Absent, address: int) -> str:
    return f"<{word}>" if isinstance(word, Absent) else text_of(word, address)


def _protocol(session: Session, now: Handling) -> Iterator[Item]:
    if isinstance(now.core, int):
        yield Item("core register", _whose(session, now.core & 0xF))
    if isinstance(now.resumes, int):
        yield Item("resumes", _part_at(now, now.resumes), now.resumes)
    if isinstance(now.lock, int):
        yield Item("lock", f"guest thread {now.lock}" if now.lock else "free")
    if isinstance(now.journal, Journal):
        yield Item("journal", _entry(now.journal))
    else:
        yield Item("journal", f"<{now.journal}>" if now.journal.is_hole else "nothing in flight")


def _part_at(now: Handling, address: int) -> str:
    if isinstance(now.memop, Absent):
        return "translated code"
    memop = now.memop.memop
    begins = {
        memop.start: "where it reads the core id",
        memop.abort_address: "at its abort handler",
    }
    places = begins | {memop.tag_address: "at [1]", memop.address: "at [2]"}
    return places.get(address, "behind [2]")


def _entry(entry: Journal) -> str:
    parts = [f"{entry.operation} by guest thread {entry.thread}"]
    if entry.old_tag != entry.new_tag:
        parts.append(f"tag {entry.old_tag} to {entry.new_tag}")
    if entry.old_mode != entry.new_mode:
        parts.append(f"{entry.old_mode} to {entry.new_mode}")
    return ", ".join(parts)


def _others(now: Handling) -> Iterator[Item]:
    for other in now.others:
        yield Item(f"{THREAD}{other.thread}", other.where)
        if isinstance(other.tag, int):
            pair = f"stale; {other.meaning}" if other.stale is True else "as [1] gives it now"
            yield Item(f"{PAIR}{other.thread}", f"pointer tag {other.tag}, {pair}")


def coming(session: Session, runtime: Runtime, now: Handling) -> str:
    """What the thread will do when it goes on, in words."""
    if now.position is Position.PHASE:
        assert isinstance(now.phase, str)
        return _phase(runtime, now, now.phase)
    if now.position is Position.SIGNAL:
        return "the program gets the signal: the handler begins"
    if now.position is Position.HANDLER:
        return "the handler goes on"
    if isinstance(now.memop, MemopState) and now.position is Position.INSERT:
        return _insert(session, runtime, now, now.memop)
    if isinstance(now.memop, MemopState) and now.position is Position.ACCESS:
        return _access(session, runtime, now, now.memop)
    return "translated code goes on, up to the next fault"


def _phase(runtime: Runtime, now: Handling, phase: str) -> str:
    if phase in ("patch-memop", "patch-address"):
        part = 2 if phase == "patch-memop" else 1
        return f"write [{part}]: {_other_word(runtime, now, part)}"
    if phase == "retag" and isinstance(now.journal, Journal):
        guard = guard_of(runtime)
        return f"write tag {now.journal.new_tag if guard is None else guard} to the memory"
    if phase == "barrier" and isinstance(now.journal, Journal):
        return f"{_NEXT[phase]}, twice, and then tag {now.journal.new_tag} to the memory"
    if phase == "resume" and isinstance(now.resumes, int):
        return f"the handler returns, the thread goes on {_part_at(now, now.resumes)}"
    return _NEXT.get(phase, phase)


def _other_word(runtime: Runtime, now: Handling, part: int) -> str:
    """What a patch will make of a word."""
    words: Sequence[Word] = () if isinstance(now.memop, Absent) else now.memop.words
    word = next((one for one in words if one.part == part), None)
    to = now.journal.new_mode if isinstance(now.journal, Journal) else ""
    if word is None or isinstance(word.word, Absent) or to not in _MODES:
        return "the word of the other form"
    new: int | Absent = NOT_APPLICABLE
    if part == 2:
        new = access_in(word.word, Mode(to))
    elif isinstance(runtime.config, Config):
        pointer = register_number(runtime, "address")
        core = register_number(runtime, "host_core_id")
        new = insert_in(Mode(to), pointer, core, runtime.config.shared_tag)
    if isinstance(new, Absent):
        return f"the word of the {to.lower()} form"
    return text_of(new, word.address)


def _insert(session: Session, runtime: Runtime, now: Handling, state: MemopState) -> str:
    if now.pc != state.memop.tag_address:
        return "on to [2]"
    insert = _mode(state, 1)
    tag = now.core if insert is Mode.LOCAL else runtime.shared_tag
    if isinstance(tag, Absent) or isinstance(insert, Absent):
        return "[1] puts a tag into the pointer"
    return f"[1] gives the pointer {_whose(session, tag & 0xF)}"


def _access(session: Session, runtime: Runtime, now: Handling, state: MemopState) -> str:
    if isinstance(now.pointer, Absent) or not now.granules:
        return "the access"
    tag = logical_tag(now.pointer)
    access = _mode(state, 2)
    locked = "a locked access" if access == NOT_APPLICABLE else "an access"
    what = f"{_ORDERS.get(access, locked)} with pointer tag {tag}"
    others = [one.tag for one in now.granules if one.tag != tag]
    if others and isinstance(others[0], Absent):
        return f"{what} on memory whose tag is not known: {others[0]}"
    if others:
        return f"{what} on {_whose(session, others[0])}: it faults"
    outcome = f"{what} on {_whose(session, tag)}: it goes through"
    pair = _pair(runtime, now, state, tag)
    if isinstance(pair, Absent) or not pair.stale:
        return outcome
    return f"{outcome}. Stale pair: {pair.meaning}"


def _mode(state: MemopState, part: int) -> Mode | Absent:
    return next((word.mode for word in state.words if word.part == part), NOT_APPLICABLE)


def _pair(runtime: Runtime, now: Handling, state: MemopState, tag: int) -> Pair | Absent:
    """What the thread's own [1] has left behind, against what it would give now."""
    insert, shared = _mode(state, 1), runtime.shared_tag
    gives = now.core if insert is Mode.LOCAL else shared
    for needed in (insert, shared, gives):
        if isinstance(needed, Absent):
            return needed
    assert isinstance(shared, int)
    assert isinstance(gives, int)
    return Pair(tag, gives & 0xF, _mode(state, 2), shared)
