"""What a thread will do when it goes on: what is written next, and how its access will end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.tags.owner import guard_of
from mtedbg.dataclass import dataclass
from mtedbg.decode.memops.pair import Pair
from mtedbg.decode.memops.words import access_in, branch_word, insert_in
from mtedbg.decode.stack.registers import register_number
from mtedbg.model.absent import NOT_APPLICABLE, Absent, then
from mtedbg.model.handling import Handling, Position
from mtedbg.model.memop import MemopState, Mode
from mtedbg.model.phase import Phase
from mtedbg.model.pointer import logical_tag

if TYPE_CHECKING:
    from mtedbg.layout import Runtime

_TAG = 0xF
_PARTS = {Phase.PATCH_ADDRESS: 1, Phase.PATCH_MEMOP: 2}
_MODES = (Mode.LOCAL, Mode.SHARED, Mode.EITHER)


@dataclass(frozen=True, slots=True)
class NewWord:
    """What a patch makes of a word.

    Attributes:
        address: of the word.
        mode: of the form that it will have.
        word: its 32 bits then; absent where they cannot be computed.
    """

    address: int
    mode: Mode
    word: int | Absent


@dataclass(frozen=True, slots=True)
class Upcoming:
    """What is next; each part does not apply, or is not known, where there is no such thing.

    Attributes:
        word: that a patch's phase writes.
        tag: that the retag phase writes to the memory.
        inserts: the tag that [1] gives the pointer.
        pair: at [2], the pointer's tag against the one that [1] would give it now.
    """

    word: NewWord | Absent = NOT_APPLICABLE
    tag: int | Absent = NOT_APPLICABLE
    inserts: int | Absent = NOT_APPLICABLE
    pair: Pair | Absent = NOT_APPLICABLE


def upcoming(runtime: Runtime, now: Handling) -> Upcoming:
    """What the thread of `now` will do when it goes on.

    Raises:
        LayoutError: the runtime does not tell where it keeps the pointer and the core.
    """
    if now.position is Position.PHASE:
        return Upcoming(word=_new_word(runtime, now), tag=_new_tag(runtime, now))
    if now.position is Position.INSERT:
        return Upcoming(inserts=_inserted(runtime, now))
    if now.position is Position.ACCESS:
        return Upcoming(pair=_pair(runtime, now))
    return Upcoming()


def _new_tag(runtime: Runtime, now: Handling) -> int | Absent:
    """The guard's tag, where memory changes hands by one."""
    if now.phase is not Phase.RETAG or isinstance(now.journal, Absent):
        return NOT_APPLICABLE
    guard = guard_of(runtime)
    return now.journal.new_tag if guard is None else guard


def _new_word(runtime: Runtime, now: Handling) -> NewWord | Absent:
    part = 0 if isinstance(now.phase, Absent) else _PARTS.get(now.phase, 0)
    word = now.word(part)
    if word is None or isinstance(word.word, Absent) or isinstance(now.journal, Absent):
        return NOT_APPLICABLE
    mode = next((mode for mode in _MODES if mode == now.journal.new_mode), None)
    if mode is None:
        return NOT_APPLICABLE
    if part == 2:
        return NewWord(word.address, mode, access_in(word.word, mode))
    if mode is Mode.EITHER and isinstance(now.memop, MemopState):
        out = now.memop.memop.out_address
        branch = then(out, lambda to: branch_word(word.address, to))
        return NewWord(word.address, mode, branch)
    return NewWord(word.address, mode, _new_insert(runtime, mode))


def _new_insert(runtime: Runtime, mode: Mode) -> int | Absent:
    if isinstance(runtime.config, Absent):
        return NOT_APPLICABLE
    pointer = register_number(runtime, "address")
    core = register_number(runtime, "host_core_id")
    return insert_in(mode, pointer, core, runtime.config.shared_tag)


def _inserted(runtime: Runtime, now: Handling) -> int | Absent:
    """The tag that [1] gives, as it stands now."""
    form = now.form(1)
    if isinstance(form, Absent):
        return form
    if form is Mode.EITHER:
        return NOT_APPLICABLE
    return then(now.core if form is Mode.LOCAL else runtime.shared_tag, lambda tag: tag & _TAG)


def _pair(runtime: Runtime, now: Handling) -> Pair | Absent:
    """What the thread's own [1] gave the pointer, against what it would give now."""
    gives, shared = _inserted(runtime, now), runtime.shared_tag
    if isinstance(shared, Absent) or isinstance(now.pointer, Absent):
        return NOT_APPLICABLE
    left = logical_tag(now.pointer)
    return then(gives, lambda tag: Pair(left, tag, now.form(2), shared))
