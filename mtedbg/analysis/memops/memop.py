"""One memop: what the runtime records of it, and what its bytes say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes, current_pc, notes_of, whose
from mtedbg.decode.code.code_map import locate
from mtedbg.decode.code.instruction import text_of
from mtedbg.decode.memops import memop as decode
from mtedbg.decode.memops.history import with_history
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memop import Memop, MemopState, Mode, Word
from mtedbg.model.runtime import Journal
from mtedbg.report import Column, Report, Row, Scalar, Value, flat

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session


def memop(session: Session, command: str, columns: tuple[Column, ...], which: int | None) -> Report:
    """The memop at a PC, or with an id.

    Args:
        session: the process.
        command: to be named in the report.
        columns: of the report.
        which: a PC, or where no memop is there an id; the thread's own PC where None.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    at = current_pc(session, session.thread()) if which is None else session.strip(which)
    if isinstance(at, Absent):
        return flat(command, session.info, columns, (_empty(columns, at),))
    runtime, found = _find(session, at, by_id=which is not None)
    if isinstance(found, Memop):
        state = with_history(runtime, decode.state_of(runtime, found))
        notes = notes_of(runtime) + _notes(state)
        notes += whose(all_runtimes(session), runtime, f"memop {found.id}")
        return flat(
            command, session.info, columns, (row_of(state),), notes, headline=_headline(state)
        )
    if found.is_hole:
        rows: tuple[Row, ...] = (_empty(columns, found),)
        return flat(command, session.info, columns, rows, notes_of(runtime))
    what = f"no memop is at {at:#x}" + ("" if which is None else ", and none has this id")
    notes = (*notes_of(runtime), "`jit-block PC` says what is there")
    return flat(command, session.info, columns, (), notes, headline=what)


def memop_at(session: Session, pc: int) -> Memop | Absent:
    """The memop at `pc` (without tag): does not apply where none is, or no runtime.

    What is wrong with a runtime is the reason of the hole, never an exception.
    """
    runtimes = session.runtimes
    if isinstance(runtimes, Absent):
        return runtimes if runtimes.reason is Reason.DAMAGED else NOT_APPLICABLE
    hole = NOT_APPLICABLE
    for runtime in runtimes:
        try:
            found = decode.memop_at(runtime, pc)
        except LayoutError as error:
            found = Absent(Reason.DAMAGED, error.message)
        if isinstance(found, Memop):
            return found
        hole = found if found.is_hole else hole
    return hole


def _find(session: Session, at: int, *, by_id: bool) -> tuple[Runtime, Memop | Absent]:
    runtimes = all_runtimes(session)
    holes = []
    for runtime in runtimes:
        found = decode.memop_at(runtime, at)
        if isinstance(found, Memop):
            return runtime, found
        holes.append((runtime, found))
    for runtime in runtimes if by_id else ():
        if not locate(runtime, at).in_jit:
            found = decode.memop_with_id(runtime, at)
            if isinstance(found, Memop):
                return runtime, found
    return next((pair for pair in holes if pair[1].is_hole), holes[0])


def _empty(columns: tuple[Column, ...], why: Absent) -> dict[str, Value]:
    return {column.key: why for column in columns}


def row_of(state: MemopState) -> dict[str, Value]:
    """One memop with the keys of `memop` and `memops`."""
    one = state.memop
    decoded = state.decoded
    return {
        "id": one.id,
        "address": one.address,
        "block": one.block,
        "guest_rip": one.guest_rip,
        "access": one.access,
        "size": one.size,
        "mode": one.mode,
        "mode_decoded": decoded.value if isinstance(decoded, Mode) else decoded,
        "consistent": state.consistent,
        "flips": one.flips,
        "pinned": one.pinned if isinstance(one.pinned, Absent) else bool(one.pinned),
        "last_fault": _last_fault(one),
        "instructions": tuple(_instruction(word) for word in state.words),
    }


def _last_fault(one: Memop) -> dict[str, Scalar] | Absent:
    if one.faults == 0:
        return NOT_APPLICABLE
    return {
        "address": one.last_fault_address,
        "logical_tag": one.last_fault_logical_tag,
        "allocation_tag": one.last_fault_allocation_tag,
        "core": one.last_fault_core,
        "time": one.last_fault_time,
    }


def _instruction(word: Word) -> dict[str, Scalar]:
    return {
        "part": f"[{word.part}]",
        "address": word.address,
        "word": word.word,
        "text": _text(word.word, word.address),
        "mode": word.mode.value if isinstance(word.mode, Mode) else word.mode,
        "word_before": word.before,
        "before": _text(word.before, word.address),
    }


def _text(word: int | Absent, address: int) -> str | Absent:
    return word if isinstance(word, Absent) else text_of(word, address)


def _headline(state: MemopState) -> str:
    one = state.memop
    access = {"ReadModifyWrite": "locked access"}.get(one.access, one.access.lower())
    what = (
        f"memop {one.id}: {one.size}-byte {access} of guest {one.guest_rip:#x}, {one.mode.lower()}"
    )
    if isinstance(state.in_flight, Journal):
        return f"{what}; a patch is in flight"
    return what if state.consistent is not False else f"{what}, but its bytes say otherwise"


def _notes(state: MemopState) -> tuple[str, ...]:
    entry = state.in_flight
    if isinstance(entry, Journal):
        return (f"patch in flight by thread {entry.thread}: {state.step}",)
    if state.consistent is False:
        return ("no patch is in flight: the record and the bytes contradict each other",)
    return ()
