"""The code block and range that hold a PC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.code import foreign as described
from mtedbg.analysis.runtimes import notes_of, place_of
from mtedbg.decode.code.code_map import function_name, program_of, symbol_of
from mtedbg.decode.memops.journal import describe, in_flight
from mtedbg.decode.memops.memop import memop_in
from mtedbg.errors import LayoutError, MtedbgError, NoRuntimeError
from mtedbg.layout.memory import read_text
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.code import Block, Outcome, Place, Range, Segment
from mtedbg.model.foreign_code import DEBUG_ROOT
from mtedbg.model.memop import Memop
from mtedbg.report import Column, Report, Scalar, Value, flat

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

_CODE_MAP_CHANGES = ("InsertBlock", "RetireBlock")


def block(session: Session, command: str, columns: tuple[Column, ...], pointer: int) -> Report:
    """What holds `pointer`, and if nothing does, which kind of nowhere it is.

    The debug root is asked first. What it does not know, or where there is none, may be told by
    what JITs leave for others (`described.py`).

    Raises:
        NoRuntimeError: there is no runtime, and nothing else that describes code.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    pc = session.strip(pointer)
    try:
        runtime, place = place_of(session, pc)
    except (NoRuntimeError, LayoutError) as error:
        other = described.describe(session, pc)
        if other is None:
            raise
        return described.report(session, command, columns, pc, other).noting(*_why(error))
    if place.outcome is Outcome.NOT_JIT:
        other = described.describe(session, pc)
        if other is not None and not isinstance(other.block, Absent):
            return described.report(session, command, columns, pc, other)
    return _report(session, command, columns, runtime, place)


def _why(error: MtedbgError) -> tuple[str, ...]:
    """What is wrong with the debug root, where there is one."""
    return () if isinstance(error, NoRuntimeError) else (error.message,)


def _report(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    runtime: Runtime,
    place: Place,
) -> Report:
    """The answer from a debug root."""
    memop = _optional(runtime, place)
    name = _function(runtime, place)
    row: dict[str, Value] = {
        "outcome": place.outcome.value,
        "source": DEBUG_ROOT,
        "block": _block(place.block),
        "range": _range(runtime, place),
        "function": name,
        "guest_rip": _guest_rip(place, memop),
        "memop": memop.id if isinstance(memop, Memop) else memop,
    }
    notes = (
        notes_of(runtime)
        + place.notes
        + _changes(runtime)
        + _retired(runtime, place)
        + _enters(place)
        + _program(runtime, place)
    )
    headline = f"{place.pc:#x}: {_sentence(place, name, memop)}"
    return flat(command, session.info, columns, (row,), notes, headline=headline)


def _optional(runtime: Runtime, place: Place) -> Memop | Absent:
    """The memop, where the runtime has memops at all."""
    try:
        return memop_in(runtime, place)
    except LayoutError as error:
        return Absent(Reason.NOT_RECORDED, error.message)


def _block(found: Block | Absent) -> dict[str, Scalar] | Absent:
    if isinstance(found, Absent):
        return found
    return {
        "id": found.id,
        "kind": found.kind,
        "tier": NOT_APPLICABLE if found.tier == "None" else found.tier,
        "start": found.base,
        "end": found.end,
        "state": found.state,
        "generation": found.generation,
    }


def _range(runtime: Runtime, place: Place) -> dict[str, Scalar] | Absent:
    if isinstance(place.range, Absent) or isinstance(place.block, Absent):
        return place.range if isinstance(place.range, Absent) else NOT_APPLICABLE
    return {
        "kind": place.range.kind,
        "start": place.block.base + place.range.begin,
        "end": place.block.base + place.range.end,
        "symbol": symbol_of(runtime, place.range),
    }


def _function(runtime: Runtime, place: Place) -> str | Absent:
    if isinstance(place.range, Absent):
        return NOT_APPLICABLE
    try:
        return function_name(runtime, place.range.function)
    except LayoutError as error:
        return Absent(Reason.NOT_RECORDED, error.message)


def _guest_rip(place: Place, memop: Memop | Absent) -> int | Absent:
    if isinstance(memop, Memop):
        return memop.guest_rip
    if isinstance(place.range, Range) and place.range.guest_rip:
        return place.range.guest_rip
    return NOT_APPLICABLE


def _changes(runtime: Runtime) -> tuple[str, ...]:
    """Changes of the code map in flight."""
    try:
        entries = in_flight(runtime)
    except LayoutError:
        return ()
    if isinstance(entries, Absent):
        return ()
    return tuple(describe(one) for one in entries if one.operation in _CODE_MAP_CHANGES)


def _retired(runtime: Runtime, place: Place) -> tuple[str, ...]:
    found = place.block
    if place.outcome is not Outcome.RETIRED or isinstance(found, Absent):
        return ()
    if isinstance(found.reason, Absent) or isinstance(found.reason_length, Absent):
        return ()
    reason = read_text(runtime.target, found.reason, found.reason_length)
    return (f"retired: {reason}",) if reason else ()


def _enters(place: Place) -> tuple[str, ...]:
    """Where an entry stub that was made for one function leads."""
    callee = place.range.callee_block if isinstance(place.range, Range) else 0
    return (f"a stub into block {callee}",) if isinstance(callee, int) and callee else ()


def _program(runtime: Runtime, place: Place) -> tuple[str, ...]:
    """Whose code it is, where a process has translated several programs."""
    if isinstance(place.block, Absent):
        return ()
    try:
        name = program_of(runtime, place.block)
    except LayoutError:
        return ()
    return (f"code of {name}",) if isinstance(name, str) else ()


def _sentence(place: Place, function: str | Absent, memop: Memop | Absent) -> str:
    """The verdict in one line."""
    if isinstance(place.segment, Segment):
        return f"in segment {place.segment.id}, between its code blocks"
    if isinstance(place.block, Absent):
        return {
            Outcome.METADATA_NOT_DUMPED: f"the code map cannot be read: {place.detail}",
            Outcome.UNSTABLE: "the code map changes faster than it can be read",
            Outcome.CORRUPT: f"the code map is damaged: {place.detail}",
        }.get(place.outcome, "not in translated code")
    where = f"block {place.block.id} ({place.block.kind})"
    if place.outcome is Outcome.RETIRED:
        where = f"retired {where}"
    if isinstance(place.range, Absent):
        return f"in {where}, {place.detail or 'in no range of it'}"
    offset = place.pc - place.block.base - place.range.begin
    name = f" {function}" if isinstance(function, str) and function else ""
    part = f", memop {memop.id}" if isinstance(memop, Memop) else ""
    return f"{place.range.kind}{name}+{offset:#x} in {where}{part}"
