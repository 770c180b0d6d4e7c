"""The memory of a process in which a JIT's records of its code are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code.mappings import is_anonymous, spans
from mtedbg.decode.jits.code_pointers import MOST_LIVE, MOST_SEARCHED, CodePointers

if TYPE_CHECKING:
    from mtedbg.decode.jits.words import Words
    from mtedbg.session import Session


def searched(session: Session, words: Words) -> CodePointers:
    """Memory that is no file's: what may be executed, and what may be written, the C heap first.

    Args:
        session: the process.
        words: its memory.
    """
    runs = spans(session, lambda one: is_anonymous(one) and bool({"x", "?"} & {*one.perms}))
    heap = spans(session, lambda one: one.name == "[heap]" and one.perms.startswith("rw-"))
    others = spans(session, lambda one: is_anonymous(one) and one.perms.startswith("rw-"))
    most = MOST_SEARCHED if session.info.is_dead else MOST_LIVE
    return CodePointers(words, runs, [*heap, *others], most)
