"""`memop`: the backpatch state of one memop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.commands import Argument, Arguments, Command
from mtedbg.model.absent import NOT_APPLICABLE, Absent, present, then
from mtedbg.model.completion import Completable
from mtedbg.report import Answer, Column, Kind, Record, Row, Scalar

if TYPE_CHECKING:
    from mtedbg.analysis.memops.memop import FoundMemop
    from mtedbg.model.memop import Memop, MemopState, Word
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.memops.memop import find_memop
    from mtedbg.analysis.runtimes import current_pc

    which = arguments.values["pc|id"]
    if which is not None:
        return answer(find_memop(session, session.strip(which), or_id=True), or_id=True)
    pc = current_pc(session, session.thread(arguments.thread))
    return _missing(pc) if isinstance(pc, Absent) else answer(find_memop(session, pc, or_id=False))


def answer(found: FoundMemop, *, or_id: bool = False) -> Answer:
    """The memop as one row; a headline where there is none.

    Args:
        found: the memop.
        or_id: whether an id was asked for as well.
    """
    from mtedbg.analysis.runtimes import notes_of

    notes = notes_of(found.runtime)
    if present(found.state):
        more = tuple(_notes(found, found.state))
        return Answer(Record(row(found.state)), _headline(found.state), (*notes, *more))
    if isinstance(found.state, Absent) and found.state.is_hole:
        return _missing(found.state).noting(*notes)
    what = f"no memop is at {found.at:#x}" + (", and none has this id" if or_id else "")
    return Answer(headline=what, notes=(*notes, "`jit-block PC` shows what is there"))


def _missing(why: Absent) -> Answer:
    return Answer(Record({column.key: why for column in COMMAND.columns}))


def row(state: MemopState) -> Row:
    """One memop, with the keys of `memop` and `memops`."""
    one = state.memop
    return {
        "id": one.id,
        "address": one.address,
        "block": one.block,
        "guest_rip": one.guest_rip,
        "access": one.access,
        "size": one.size,
        "mode": one.mode,
        "mode_decoded": state.decoded,
        "consistent": state.consistent,
        "flips": one.flips,
        "executions": state.executions,
        "pinned": then(one.pinned, bool),
        "last_fault": _last_fault(one),
        "instructions": tuple(map(_instruction, state.words)),
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
        "mode": word.mode,
        "word_before": word.before,
        "before": _text(word.before, word.address),
    }


def _text(word: int | Absent, address: int) -> str | Absent:
    from mtedbg.decode.code.instruction import text_of

    return then(word, lambda there: text_of(there, address))


def _headline(state: MemopState) -> str:
    one = state.memop
    what = (
        f"memop {one.id}: {one.size}-byte {one.access_words} of guest {one.guest_rip:#x},"
        f" {one.mode.lower()}"
    )
    if present(state.in_flight):
        return f"{what}; a patch is in flight"
    return what if state.consistent is not False else f"{what}, but its bytes say otherwise"


def _notes(found: FoundMemop, state: MemopState) -> Iterator[str]:
    from mtedbg.analysis.runtimes import whose

    if present(state.in_flight):
        yield f"patch in flight by thread {state.in_flight.thread}: {state.step}"
    elif state.consistent is False:
        yield "no patch is in flight: the record and the bytes contradict each other"
    if found.is_one_of_several:
        yield whose(found.runtime, f"memop {state.memop.id}")


COMMAND = Command(
    name="memop",
    summary="One memop: its recorded mode, the mode of its instructions, and its history.",
    columns=(
        Column("id", Kind.COUNT, "its number"),
        Column("address", Kind.ADDRESS, "of the access [2]"),
        Column("block", Kind.COUNT, "the code block that it is in"),
        Column("guest_rip", Kind.ADDRESS, "the guest instruction that it comes from"),
        Column("access", Kind.TEXT, "Load, Store, ReadModifyWrite"),
        Column("size", Kind.SIZE, "bytes that it accesses"),
        Column("mode", Kind.TEXT, "Local, Shared or Either, as the runtime records it"),
        Column(
            "mode_decoded", Kind.TEXT, "the mode by its instruction words; Mixed during a patch"
        ),
        Column("consistent", Kind.FLAG, "whether record and words agree"),
        Column("flips", Kind.COUNT, "how often it was patched"),
        Column("executions", Kind.COUNT, "how often control came to it, if that is counted"),
        Column("pinned", Kind.FLAG, "whether it stays shared permanently"),
        Column("last_fault", Kind.LIST, "its last tag check fault"),
        Column(
            "instructions",
            Kind.LIST,
            "tag insert [1] and access [2]: word, text, mode, and what the last patch replaced",
        ),
    ),
    run=_run,
    arguments=(
        Argument(
            "PC|ID",
            "an address from [1] to [2], or the memop's number; default: $pc",
            optional=True,
            completes=Completable.MEMOP,
        ),
    ),
    example="memop $pc",
    per_thread=True,
)
