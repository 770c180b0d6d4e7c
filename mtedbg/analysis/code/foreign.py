"""The code that holds a PC, of a JIT without a debug root: as it describes it to others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.code import Outcome
from mtedbg.model.foreign_code import JIT_INTERFACE, PERF_MAP, Described
from mtedbg.report import Column, Report, Value, flat

if TYPE_CHECKING:
    from mtedbg.session import Session

_Source = Callable[["Session", int], Described | None]


def _from_interface(session: Session, pc: int) -> Described | None:
    objects = session.jit_objects
    if not isinstance(objects, Absent):
        return objects.at(pc)
    return Described(JIT_INTERFACE, block=objects) if objects.is_hole else None


def _from_perf_map(session: Session, pc: int) -> Described | None:
    found = session.perf_map
    return None if isinstance(found, Absent) else found.at(pc)


# In this order: the first that knows the PC is believed.
_SOURCES: tuple[_Source, ...] = (_from_interface, _from_perf_map)


def describe(session: Session, pc: int) -> Described | None:
    """Who describes `pc`; else the first source that there is; None where there is none."""
    first = None
    for found in _asked(session, pc):
        if not isinstance(found.block, Absent):
            return found
        first = first or found
    return first


def _asked(session: Session, pc: int) -> Iterator[Described]:
    for source in _SOURCES:
        if (found := source(session, pc)) is not None:
            yield found


def _outcome(found: Described) -> Outcome:
    if isinstance(found.block, Absent):
        return _without(found.block, Outcome.NOT_JIT)
    if isinstance(found.symbol, Absent):
        return _without(found.symbol, Outcome.BLOCK_NO_RANGE)
    return Outcome.RANGE


def _without(missing: Absent, nothing: Outcome) -> Outcome:
    """What it means that a block or symbol is not there: `nothing` where none should be."""
    if not missing.is_hole:
        return nothing
    damaged = missing.reason is Reason.DAMAGED
    return Outcome.CORRUPT if damaged else Outcome.METADATA_NOT_DUMPED


def report(
    session: Session, command: str, columns: tuple[Column, ...], pc: int, found: Described
) -> Report:
    """The answer of `jit-block`, from a source other than the debug root."""
    outcome = _outcome(found)
    row: dict[str, Value] = {
        "outcome": outcome.value,
        "source": found.source,
        "block": _block(found),
        "range": _range(found),
        "function": found.symbol if isinstance(found.symbol, Absent) else found.symbol.name,
        "guest_rip": NOT_APPLICABLE,
        "memop": NOT_APPLICABLE,
    }
    headline = f"{pc:#x}: {_sentence(found, pc)}"
    return flat(command, session.info, columns, (row,), found.notes, headline=headline)


def _block(found: Described) -> Value:
    if isinstance(found.block, Absent):
        return found.block
    kind = {JIT_INTERFACE: "ELF object", PERF_MAP: "line"}[found.source]
    return {
        "id": found.number,
        "kind": kind,
        "tier": NOT_APPLICABLE,
        "start": found.block.start,
        "end": found.block.end,
        "state": NOT_APPLICABLE,
        "generation": NOT_APPLICABLE,
    }


def _range(found: Described) -> Value:
    if isinstance(found.symbol, Absent):
        return found.symbol
    return {
        "kind": "symbol",
        "start": found.symbol.start,
        "end": found.symbol.end,
        "symbol": found.symbol.name,
    }


def _sentence(found: Described, pc: int) -> str:
    by = f"by the {found.source}"
    if isinstance(found.block, Absent):
        if not found.block.is_hole:
            return f"not in code that the {found.source} describes"
        return f"the {found.source} cannot be read: {found.block}"
    where = f"{'object' if found.source == JIT_INTERFACE else 'line'} {found.number}, {by}"
    if isinstance(found.symbol, Absent):
        why = f", whose symbols cannot be read: {found.symbol}" if found.symbol.is_hole else ""
        return f"in {where}{why}" if why else f"in no symbol of {where}"
    return f"{found.symbol.name}+{pc - found.symbol.start:#x} in {where}"
