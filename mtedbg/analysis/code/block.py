"""The code that holds a PC, by whoever knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from mtedbg.analysis.code.mappings import may_be_generated
from mtedbg.analysis.code.sources import (
    debug_root,
    jit_interface,
    jitdump,
    mappings,
    objects_in_memory,
    own_structures,
    perf_map,
)
from mtedbg.dataclass import replace
from mtedbg.errors import LayoutError, MtedbgError, NoRuntimeError
from mtedbg.model.absent import present
from mtedbg.model.code import Outcome
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.session import Session


class Source(Protocol):
    """Someone who may know which code is where; see `sources/`."""

    def __call__(self, session: Session, pc: int, /) -> CodePlace | None:
        """What it knows of `pc` (without tag and PAC bits); None where there is no such source.

        Raises:
            NoRuntimeError: there is no runtime, of a source that needs one.
            LayoutError: what it reads is damaged.
        """


SOURCES: tuple[Source, ...] = (
    debug_root.code_at,
    own_structures.code_at,
    jit_interface.code_at,
    objects_in_memory.code_at,
    jitdump.code_at,
    perf_map.code_at,
)
"""In the order of what they know: the first that knows the PC is believed."""


@once
def code_at(session: Session, pc: int) -> CodePlace:
    """What holds `pc`, and if nothing does, what is known of that.

    Where a source has the block and not the name, the next that has a name gives it. Where nobody
    knows the PC, and it may be code of a JIT, a source that could not be read comes before one that
    has nothing there: it is not known then that no JIT made it.

    Args:
        session: the process.
        pc: without tag and PAC bits.

    Raises:
        NoRuntimeError: there is no runtime, and nothing else that describes code.
        LayoutError: the debug root is damaged, and nothing else describes code.
    """
    problems: list[MtedbgError] = []
    first = known = unread = None
    for place in _places(session, pc, problems):
        first = first or place
        if unread is None and place.is_hole:
            unread = place
        if known is not None:
            known = _named(known, place)
        elif place.is_known:
            known = place
        if known is not None and not known.lacks_name:
            break
    if known is None and unread is not None and may_be_generated(session, pc):
        first = unread
    if known is None and (first is None or first.outcome is Outcome.NOT_JIT):
        first = mappings.code_at(session, pc) or first
    found = known or first or objects_in_memory.elsewhere(session, pc)
    if found is None:
        assert problems, "the debug root answers, or says why not"
        raise problems[0]
    damage = (one.message for one in problems[:1] if isinstance(one, LayoutError))
    doubts = () if found.is_known else (*jitdump.doubts(session), *perf_map.doubts(session))
    return replace(found, notes=(*found.notes, *damage, *doubts))


def _places(session: Session, pc: int, problems: list[MtedbgError]) -> Iterator[CodePlace]:
    """What each source says; what stops one of them goes into `problems`."""
    for source in SOURCES:
        try:
            place = source(session, pc)
        except (NoRuntimeError, LayoutError) as error:
            problems.append(error)
        else:
            if place is not None:
                yield place


def _named(known: CodePlace, other: CodePlace) -> CodePlace:
    """`known` with the name that another source has, if it has one."""
    if not present(other.range):
        return known
    no_range = known.outcome is Outcome.BLOCK_NO_RANGE
    return replace(
        known,
        outcome=Outcome.RANGE if no_range else known.outcome,
        range=other.range,
        function=other.function if not present(known.function) else known.function,
        line=known.line if present(known.line) else other.line,
        notes=(*known.notes, f"named by {other.source.in_words}"),
    )
