"""The code that holds a PC, by whoever knows of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from mtedbg.analysis.code.sources import debug_root, jit_interface, perf_map
from mtedbg.errors import LayoutError, MtedbgError, NoRuntimeError
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


SOURCES: tuple[Source, ...] = (debug_root.code_at, jit_interface.code_at, perf_map.code_at)
"""In the order of what they know: the first that knows the PC is believed."""


@once
def code_at(session: Session, pc: int) -> CodePlace:
    """What holds `pc`, and if nothing does, what the first source says of that.

    Args:
        session: the process.
        pc: without tag and PAC bits.

    Raises:
        NoRuntimeError: there is no runtime, and nothing else that describes code.
        LayoutError: the debug root is damaged, and nothing else describes code.
    """
    problem: MtedbgError | None = None
    places = []
    for source in SOURCES:
        try:
            place = source(session, pc)
        except (NoRuntimeError, LayoutError) as error:
            problem = problem or error
            continue
        if place is not None:
            places.append(place)
            if place.is_known:
                break
    if not places:
        assert problem is not None, "the debug root answers, or says why not"
        raise problem
    known = next((place for place in places if place.is_known), places[0])
    damage = (problem.message,) if isinstance(problem, LayoutError) else ()
    return replace(known, notes=known.notes + damage)
