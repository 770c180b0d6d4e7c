"""What a memop was before: from the flight recorder."""

from __future__ import annotations

from collections.abc import Mapping

from mtedbg.dataclass import replace
from mtedbg.decode.memops.recorder import read_log
from mtedbg.decode.memops.words import access_in, insert_in
from mtedbg.decode.stack.registers import register_number
from mtedbg.errors import LayoutError
from mtedbg.layout import Runtime
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.event import Event, EventKind
from mtedbg.model.memop import Memop, MemopState, Mode, Word
from mtedbg.model.runtime import Config, Journal

_MODE = "Mode"
_RECORDED = (Mode.LOCAL, Mode.SHARED, Mode.EITHER)


def last_patches(runtime: Runtime, memop: int | None = None) -> Mapping[int, Event] | Absent:
    """The last recorded patch of every memop, or of one, by its id."""
    try:
        log = read_log(runtime, memop=memop)
    except LayoutError as error:
        return Absent(Reason.NOT_RECORDED, error.message)
    return {event.memop: event for _, event in log.events if event.event == EventKind.PATCH}


def mode_before(
    runtime: Runtime, memop: Memop, patches: Mapping[int, Event] | Absent | None = None
) -> Mode | Absent:
    """The mode that the last recorded patch of `memop` replaced.

    Args:
        runtime: of the memop.
        memop: which.
        patches: as from `last_patches`, where they are known already.
    """
    if memop.flips == 0:
        return NOT_APPLICABLE
    if patches is None:
        patches = last_patches(runtime, memop.id)
    if isinstance(patches, Absent):
        return patches
    patch = patches.get(memop.id)
    if patch is None:
        return NOT_APPLICABLE
    return _mode(runtime.layout.schema.enums.get(_MODE, {}).get(patch.old_value, ""))


def _mode(name: str) -> Mode | Absent:
    return Mode(name) if name in _RECORDED else NOT_APPLICABLE


def with_history(
    runtime: Runtime, state: MemopState, patches: Mapping[int, Event] | Absent | None = None
) -> MemopState:
    """`state` with the words that the last patch replaced: the one in flight, or the recorder's.

    The recorder keeps modes, not words: a mode and the word that stands there now make the other.
    `patches` is as for `mode_before`.
    """
    entry = state.in_flight
    if isinstance(entry, Journal):
        mode = _mode(entry.old_mode)  # what is being replaced right now is not recorded yet
    else:
        mode = mode_before(runtime, state.memop, patches)
    if isinstance(mode, Absent):
        return state
    words = tuple(replace(word, before=_before(runtime, word, mode)) for word in state.words)
    return replace(state, words=words)


def _before(runtime: Runtime, word: Word, mode: Mode) -> int | Absent:
    if not isinstance(word.word, int) or word.mode in (mode, NOT_APPLICABLE):
        return NOT_APPLICABLE
    if word.part == 2:
        same = word.mode is Mode.EITHER and mode is Mode.SHARED
        return NOT_APPLICABLE if same else access_in(word.word, mode)
    if not isinstance(runtime.config, Config):
        return runtime.config
    address = register_number(runtime, "address")
    core = register_number(runtime, "host_core_id")
    return insert_in(mode, address, core, runtime.config.shared_tag)
