"""Whether two drafts tell of one crash."""

from __future__ import annotations

from mtedbg.formats.texts.draft import Draft
from mtedbg.model.absent import Absent, present

_ADJACENT = 2
"""Lines between two writers' words about one crash, where neither says whose they are."""
_NEAR = 3000
"""Lines between a process's own words and those of the system about it."""
_TAG_BITS = (1 << 56) - 1


def joins(old: Draft, new: Draft, *, same_stream: bool) -> bool:
    """Whether `new`, which has begun, goes on with `old`."""
    if old.dropped or not old.joinable or not new.joinable:
        return False
    if contradict(old, new):
        return False
    if _identity(old, new):
        return new.line - old.last <= _NEAR and not _complete(old, new)
    if _strangers(old, new):
        return False
    if old.weak != new.weak or (old.weak and (old.writer or new.writer)):
        return False  # a word near a crash is not of it, nor is what may be one
    near = new.line - old.last <= _ADJACENT
    return same_stream and near and old.depth == new.depth and _complement(old, new)


def contradict(old: Draft, new: Draft) -> bool:
    """Whether they say what cannot be true of one crash."""
    for name in ("pid", "tid", "code"):
        mine, its = getattr(old, name), getattr(new, name)
        if present(mine) and present(its) and mine != its:
            return True
    if old.thread and new.thread and old.writer == new.writer and old.thread != new.thread:
        return True
    if present(old.signal) and present(new.signal) and old.signal != new.signal:
        return not (old.rank == 65 or new.rank == 65)  # HWASan reports, then aborts
    mine, its = old.address, new.address
    return isinstance(mine, int) and isinstance(its, int) and (mine ^ its) & _TAG_BITS != 0


def _whose(draft: Draft) -> int | None:
    if isinstance(draft.pid, int):
        return draft.pid
    return draft.log_pid if draft.rank < 60 and draft.log_pid is not None else None


def _identity(old: Draft, new: Draft) -> bool:
    """Whether both say that they are of the same process, or thread."""
    if present(old.tid) and present(new.tid) and old.tid == new.tid:
        return True
    mine, its = _whose(old), _whose(new)
    return mine is not None and mine == its and not (present(old.tid) and present(new.tid))


def _strangers(old: Draft, new: Draft) -> bool:
    """Whether each says whose it is, and it is not the same."""
    mine, its = _whose(old), _whose(new)
    return mine is not None and its is not None and mine != its


def _complete(old: Draft, new: Draft) -> bool:
    """Whether `old` has had what `new` begins with: then the same ids are another process's."""
    return bool(old.seen & new.seen) or (old.rank == new.rank and bool(old.seen) and bool(new.seen))


def _complement(old: Draft, new: Draft) -> bool:
    """Whether one has what the other lacks: a kernel's line and the signal, a library's and its."""
    if old.seen & new.seen:
        return False
    lacks = isinstance(old.signal, Absent) or isinstance(new.signal, Absent)
    lacks = lacks or isinstance(old.code, Absent) or isinstance(new.code, Absent)
    return lacks or old.weak or new.weak or (old.writer != new.writer and not old.frames)


def is_quoted_again(old: Draft, new: Draft) -> bool:
    """Whether `new` is `old` once more: quoted, or copied."""
    if old.writer != new.writer or old.signal != new.signal or old.code != new.code:
        return False
    if old.address != new.address or old.pid != new.pid or old.tid != new.tid:
        return False
    if old.message != new.message or old.frames[:1] != new.frames[:1]:
        return False
    if old.depth != new.depth:
        return True
    known = present(old.pid) and present(old.address) and present(old.tid)
    return (
        known
        and old.registers == new.registers
        and old.told("time") == new.told("time")
        and (old.time == new.time)
    )
