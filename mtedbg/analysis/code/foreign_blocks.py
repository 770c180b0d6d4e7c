"""The code of JITs without a debug root: all that their sources list, and instructions of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.blocks import Wanted
from mtedbg.analysis.code.guest_files import guest_place
from mtedbg.analysis.code.jits import FoundJit, Namer, jits
from mtedbg.analysis.code.listing import AFTER, BEFORE, MOST, ListedInstruction, Standing, standing
from mtedbg.analysis.code.sources.jitdump import jitdump
from mtedbg.analysis.code.sources.objects_in_memory import objects_in_memory
from mtedbg.analysis.code.symbolize import foreign_place
from mtedbg.dataclass import dataclass, replace
from mtedbg.decode.code.disassembly import disassemble
from mtedbg.decode.code.guest_instruction import guest_instruction
from mtedbg.decode.code.instruction import WORD_SIZE
from mtedbg.errors import LayoutError, NoRuntimeError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else, present, then
from mtedbg.model.foreign_code import ForeignCode, ForeignCodes
from mtedbg.session import once

if TYPE_CHECKING:
    from mtedbg.model.code_place import CodePlace
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

_MOST_ASKED = 1 << 10
"""Instructions of which each is asked for its guest's."""


@dataclass(frozen=True, slots=True)
class ForeignListing:
    """Instructions of a piece of code of a JIT without a debug root.

    Attributes:
        place: of the address that was asked for.
        start: address of the first instruction.
        lines: the instructions.
        end: one past the last address of the piece.
    """

    place: CodePlace
    start: int
    lines: tuple[ListedInstruction, ...]
    end: int


@once
def foreign_blocks(session: Session, wanted: Wanted | None = None) -> tuple[ForeignCodes, ...]:
    """What each source lists, or why it cannot; without those that the process does not have.

    Args:
        session: the process.
        wanted: which pieces; all where None.
    """
    found = [_of_jit(one) for one in jits(session)]
    objects = session.jit_objects
    if not isinstance(objects, Absent):
        found.append(objects.listed())
    in_memory = objects_in_memory(session).listed()
    if in_memory is not None:
        found.append(in_memory)
    dumped = jitdump(session)
    if not isinstance(dumped, Absent):
        found.append(dumped.listed())
    mapped = session.perf_map
    if not isinstance(mapped, Absent):
        found.append(mapped.listed())
    return tuple(replace(one, codes=tuple(_wanted(one.codes, wanted))) for one in found)


def _of_jit(found: FoundJit) -> ForeignCodes:
    if isinstance(found.jit, Absent):
        return ForeignCodes(found.source, cut=str(found.jit))
    listed = found.jit.blocks()
    return listed if listed.version else replace(listed, version=found.jit.version)


def _wanted(codes: tuple[ForeignCode, ...], wanted: Wanted | None) -> Iterator[ForeignCode]:
    for one in codes:
        if wanted is None or (
            _is(one.kind, wanted.kind)
            and _is(or_else(one.tier, ""), wanted.tier)
            and (wanted.function is None or wanted.function in _names(one))
        ):
            yield one


def _is(has: str, wanted: str | None) -> bool:
    return wanted is None or has.lower() == wanted.lower()


def _names(one: ForeignCode) -> tuple[str, ...]:
    symbol = one.symbol.name if present(one.symbol) else ""
    return (or_else(one.function, ""), symbol)


def foreign_listing(
    session: Session, at: int, *, count: int | None = None, thread: Thread | None = None
) -> ForeignListing | None:
    """The instructions around `at`; None where no JIT without a debug root has code there.

    Args:
        session: the process.
        at: without tag and PAC bits.
        count: instructions from `at` on; some around it where None.
        thread: whose PC is the current one; None where the process has no threads.
    """
    place = foreign_place(session, at)
    if place is None or isinstance(place.block, Absent):
        return None
    block = place.block
    here = at - at % WORD_SIZE
    first = (block.start + WORD_SIZE - 1) // WORD_SIZE * WORD_SIZE
    start = here if count is not None else max(here - BEFORE * WORD_SIZE, first)
    shown = (here - start) // WORD_SIZE + 1 + AFTER if count is None else max(1, min(count, MOST))
    shown = min(shown, max((block.end - start) // WORD_SIZE, 1))
    who = standing(session, start, start + shown * WORD_SIZE, thread)
    return ForeignListing(place, start, tuple(_lines(session, start, shown, who)), block.end)


def foreign_numbered(session: Session, number: int) -> tuple[ForeignCode, ...]:
    """The pieces of code that a source knows by `number`: of several sources, one for each."""
    listed = (one for found in foreign_blocks(session) for one in found.codes)
    return tuple(one for one in listed if one.number == number and present(one.block))


def foreign_named(session: Session, name: str) -> tuple[ForeignCode, ...]:
    """The pieces of code of a function."""
    listed = foreign_blocks(session, Wanted(function=name))
    found = [code for one in listed for code in one.codes]
    for one in jits(session):
        if isinstance(one.jit, Namer):
            found += one.jit.named(name)
    return tuple(one for one in found if present(one.block))


def begin_of(code: ForeignCode) -> int:
    """Where a listed piece of code begins: its function, where it is one of several in a block."""
    span = code.symbol if present(code.symbol) and code.symbol.name else code.block
    assert present(span)
    return span.start


def _lines(
    session: Session, start: int, count: int, who: dict[int, Standing]
) -> Iterator[ListedInstruction]:
    before: CodePlace | None = None
    for number, line in enumerate(disassemble(session.target, start, count)):
        place = _place(session, line.address) if number < _MOST_ASKED else None
        rip = NOT_APPLICABLE if place is None else place.guest_rip
        if before is not None and rip == before.guest_rip:
            rip = NOT_APPLICABLE
        yield ListedInstruction(
            line,
            _label(before, place),
            rip,
            then(rip, lambda at: _guest(session, at)),
            NOT_APPLICABLE,
            0,
            who.get(line.address, Standing()),
        )
        before = place or before


def _guest(session: Session, rip: int) -> str | Absent:
    """A translated program's instruction; does not apply to what is no place in such a program."""
    if not guest_place(session, rip).file:
        return NOT_APPLICABLE
    return then(guest_instruction(session.target, rip), lambda found: found.text)


def _place(session: Session, address: int) -> CodePlace | None:
    try:
        return code_at(session, address)
    except (LayoutError, NoRuntimeError):
        return None


def _label(before: CodePlace | None, place: CodePlace | None) -> str:
    """What begins here: a symbol, or another line of source."""
    if place is None:
        return ""
    old = None if before is None else (before.range, before.line)
    if old == (place.range, place.line):
        return ""
    name = or_else(place.function, "")
    line = f" at {place.line}" if present(place.line) else ""
    return f"{name}{line}".strip()
