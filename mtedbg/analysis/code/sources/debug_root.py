"""Code in the code map of a runtime with a debug root: the source that knows the most."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

from mtedbg.analysis.code.guest_files import GuestPlace, guest_place
from mtedbg.analysis.runtimes import notes_of, place_of
from mtedbg.decode.code.code_map import function_name, name_of, program_of, symbol_of
from mtedbg.decode.code.details import (
    details_of,
    owner_of,
    patch_at,
    patch_words,
    source_of,
)
from mtedbg.decode.memops.journal import describe, in_flight
from mtedbg.decode.memops.memop import executions_of, memop_in
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.model.code import Block, Outcome, Place, Range, RangeKind
from mtedbg.model.code_place import CodePlace, HeldBlock, HeldRange
from mtedbg.model.foreign_code import CodeSource
from mtedbg.model.memop import Memop
from mtedbg.model.operation import OF_CODE
from mtedbg.model.source import InlinedCall, SourceLine, SourcePlace

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session


def code_at(session: Session, pc: int) -> CodePlace:
    """The block and range at `pc`.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    runtime, place = place_of(session, pc)
    memop = _memop(runtime, place)
    source = _source(runtime, place)
    rip = _guest_rip(place, memop)
    known = guest_place(session, rip) if present(rip) else GuestPlace()
    line = then(source, _line)
    return CodePlace(
        pc,
        CodeSource.DEBUG_ROOT,
        place.outcome,
        then(place.block, _block),
        _range(runtime, place),
        _function(runtime, place, known),
        place.segment,
        rip,
        then(memop, lambda found: found.id),
        place.detail,
        (*notes_of(runtime), *place.notes, *_inlined(source), *_notes(runtime, place)),
        line if present(line) or isinstance(known.line, Absent) else known.line,
        executions=then(memop, lambda found: executions_of(found, runtime.target.read_memory)),
    )


def _memop(runtime: Runtime, place: Place) -> Memop | Absent:
    """The memop, where the runtime has memops at all."""
    try:
        return memop_in(runtime, place)
    except LayoutError as error:
        return Absent(Reason.NOT_RECORDED, error.message)


def _block(found: Block) -> HeldBlock:
    return HeldBlock(
        found.id,
        found.kind,
        found.base,
        found.end,
        found.tier if found.has_tier else NOT_APPLICABLE,
        found.state,
        found.generation,
    )


def _range(runtime: Runtime, place: Place) -> HeldRange | Absent:
    found, block = place.range, place.block
    if isinstance(found, Absent) or isinstance(block, Absent):
        return found if isinstance(found, Absent) else NOT_APPLICABLE
    begin, end = block.base + found.begin, block.base + found.end
    return HeldRange(found.kind, begin, end, symbol_of(runtime, found))


def _function(runtime: Runtime, place: Place, known: GuestPlace) -> str | Absent:
    """By the runtime, else by the files of the guest's program: those with symbols alone, too."""
    if isinstance(place.range, Absent):
        return NOT_APPLICABLE
    try:
        if place.range.kind == RangeKind.FUNCTION:
            name = name_of(runtime, place.range)
            if present(known.symbol) and not or_else(name, ""):
                return known.symbol.name
            return name
        return function_name(runtime, place.range.function)
    except LayoutError as error:
        return Absent(Reason.NOT_RECORDED, error.message)


def _source(runtime: Runtime, place: Place) -> SourcePlace | Absent:
    """The source, where the runtime tells lines, or what it has inlined."""
    try:
        return source_of(runtime, place)
    except LayoutError as error:
        return Absent(Reason.NOT_RECORDED, error.message)


def _line(source: SourcePlace) -> SourceLine | Absent:
    """The line of the instruction itself, which may be of a function that was inlined."""
    line = source.inlined[0].source if source.inlined else source.source
    return line or NOT_APPLICABLE


def _inlined(source: SourcePlace | Absent) -> Iterator[str]:
    """Which functions were inlined there, and where they are called."""
    if isinstance(source, Absent):
        if source.is_hole:
            yield f"the source is not known: {source}"
        return
    calls = [*source.inlined, InlinedCall("", source.source)]
    for one, caller in pairwise(calls):
        called = f", called at {caller.source}" if caller.source else ""
        yield f"inlined here: {one.function}{called}"


def _guest_rip(place: Place, memop: Memop | Absent) -> int | Absent:
    if present(memop):
        return memop.guest_rip
    return then(place.range, lambda found: found.guest_rip or NOT_APPLICABLE)


def _notes(runtime: Runtime, place: Place) -> Iterator[str]:
    """What else is known: changes in flight, why it was retired, where a stub leads, whose it is.

    A runtime that does not tell one of these leaves it out.
    """
    with suppress(LayoutError):
        changes = or_else(in_flight(runtime), ())
        yield from (describe(one) for one in changes if one.operation in OF_CODE)
    if place.outcome is Outcome.RETIRED and (reason := _reason(runtime, place)):
        yield f"retired: {reason}"
    if isinstance(place.range, Range) and (callee := or_else(place.range.callee_block, 0)):
        yield f"a stub into block {callee}"
    if isinstance(place.block, Block):
        with suppress(LayoutError):
            yield from _of_details(runtime, place.block, place.pc)
    with suppress(LayoutError):
        program = then(place.block, lambda block: program_of(runtime, block))
        if present(program):
            yield f"code of {program}"


def _of_details(runtime: Runtime, block: Block, pc: int) -> Iterator[str]:
    details = details_of(runtime, block)
    if isinstance(details, Absent):
        if details.is_hole:
            yield f"the details of block {block.id} cannot be read: {details}"
        return
    if present(owner := owner_of(runtime, block)) and owner:
        yield f"code of {owner}"
    if present(patch := patch_at(runtime, block, pc)):
        yield patch_words(runtime, patch)
    into = pc - block.base
    if details.moved_from:
        yield f"moved here: it was at {details.moved_from + into:#x}"
    if details.moved_to:
        yield f"moved: the code is at {details.moved_to + into:#x} now"


def _reason(runtime: Runtime, place: Place) -> str | Absent:
    """Why a block was retired."""
    found = place.block
    if isinstance(found, Absent) or isinstance(found.reason, Absent):
        return ""
    return runtime.text(found.reason, or_else(found.reason_length, 0))
