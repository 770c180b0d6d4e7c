"""`mte-step`: to the next phase of fault handling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.model.absent import NOT_APPLICABLE, Absent, present, then
from mtedbg.report import Answer, Column, Kind, Record, Row, Scalar

if TYPE_CHECKING:
    from mtedbg.analysis.stepping.context import StepContext
    from mtedbg.analysis.stepping.step import Step
    from mtedbg.commands._step_items import Change
    from mtedbg.model.handling import Handling
    from mtedbg.model.memop import MemopState
    from mtedbg.model.runtime import Journal
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.stepping.context import step_context
    from mtedbg.analysis.stepping.step import step

    thread = session.current_thread()
    if arguments.here:
        return answer(step_context(session, thread))
    return _stepped(step(session, thread))


def _stepped(found: Step) -> Answer:
    """Where the thread is that stopped, and why it is not where it was to be."""
    if found.context is None:
        return Answer(headline=f"the program has ended: {found.stop.detail}")
    return answer(found.context).noting(*_remarks(found))


def _remarks(found: Step) -> Iterator[str]:
    if found.ran_as_one is not None:
        on = ", and the program ran on: no hardware breakpoint is available to stop after it"
        yield (
            f"memop {found.ran_as_one.id} is a critical section (rseq), which restarts after a "
            f"stop inside it: it ran in one step{on if found.no_hardware_breakpoint else ''}"
        )
    if not found.arrived:
        yield f"stopped before the next phase: {found.stop.detail or found.stop.kind.value}"


def answer(found: StepContext) -> Answer:
    """Where a thread is on the way of a fault, and what is not as it was."""
    from mtedbg.analysis.runtimes import notes_of
    from mtedbg.commands._step_items import changes, lines
    from mtedbg.commands._step_next import following

    items, coming = changes(found), following(found)
    record = Record(_row(found, items, coming), tuple(lines(items, coming)))
    return Answer(record, _headline(found), notes_of(found.runtime))


def _row(found: StepContext, items: Sequence[Change], coming: str) -> Row:
    now = found.now
    memop = then(now.memop, lambda state: state.memop)
    return {
        "place": now.position.value,
        "phase": then(now.phase, lambda phase: phase.value),
        "thread": now.thread,
        "guest_thread": now.guest_thread,
        "memop": now.memop_id,
        "function": now.function or NOT_APPLICABLE,
        "direction": then(found.direction, lambda direction: direction.value),
        "pointer_raw": now.pointer,
        "granules": [
            {"address": one.address, "tag": one.tag, "owner": _owner(found, one.tag)}
            for one in now.granules
        ],
        "instructions": [] if isinstance(now.memop, Absent) else _instructions(now.memop),
        "mode": then(memop, lambda one: one.mode),
        "flips": then(memop, lambda one: one.flips),
        "core": now.core,
        "resumes": now.resumes,
        "lock": now.lock if now.lock != 0 else NOT_APPLICABLE,
        "journal": then(now.journal, _journal),
        "others": [
            {"thread": one.thread, "where": one.where, "tag": one.tag, "stale": one.stale}
            for one in now.others
        ],
        "next": coming,
        "changes": [
            {
                "what": one.item.key,
                "before": NOT_APPLICABLE if one.before is None else one.before,
                "now": one.item.text,
            }
            for one in items
            if one.changed
        ],
    }


def _owner(found: StepContext, tag: int | Absent) -> Scalar:
    return NOT_APPLICABLE if isinstance(tag, Absent) else found.owners[tag]


def _instructions(state: MemopState) -> list[dict[str, Scalar]]:
    from mtedbg.decode.code.instruction import text_of

    return [
        {
            "part": f"[{word.part}]",
            "address": word.address,
            "word": word.word,
            "text": word.word
            if isinstance(word.word, Absent)
            else text_of(word.word, word.address),
            "mode": then(word.mode, lambda mode: mode.value),
        }
        for word in state.words
    ]


def _journal(entry: Journal) -> dict[str, Scalar]:
    return {
        "operation": entry.operation,
        "phase": entry.phase,
        "thread": entry.thread,
        "memop": entry.memop,
        "old_tag": entry.old_tag,
        "new_tag": entry.new_tag,
        "old_mode": entry.old_mode,
        "new_mode": entry.new_mode,
    }


def _headline(found: StepContext) -> str:
    from mtedbg.model.handling import Position

    now = found.now
    headline = f"thread {now.thread}: {_place(now)}"
    if isinstance(now.memop, Absent):
        return headline
    memop = now.memop.memop
    what = f"memop {memop.id}, {memop.size}-byte {memop.access_words} of guest {memop.guest_rip:#x}"
    headline += f": {what} in {now.function}" if now.function else f": {what}"
    on_fault = now.in_handler or now.position is Position.SIGNAL
    if present(found.direction) and on_fault:
        headline += f"; {found.direction.text}"
    return headline


def _place(now: Handling) -> str:
    from mtedbg.model.handling import Position

    if present(now.phase):
        return f"before phase {now.phase.value}"
    if now.position is Position.INSERT:
        at_start = present(now.memop) and now.pc == now.memop.memop.start
        return "at [1]" if at_start else "between [1] and [2]"
    return {
        Position.SIGNAL: "a fault, before its handler",
        Position.HANDLER: "in the handler, between phases",
        Position.ACCESS: "at [2]",
        Position.ELSEWHERE: "in no memop and no handler",
    }[now.position]


COMMAND = Command(
    name="mte-step",
    summary="Runs to the next phase of fault handling, and shows what changed.",
    columns=(
        Column("place", Kind.TEXT, "signal, phase, handler, insert, access, elsewhere"),
        Column("phase", Kind.TEXT, "the phase that is about to begin"),
        Column("thread", Kind.COUNT, "the thread that stopped"),
        Column("guest_thread", Kind.COUNT, "the guest thread that it runs"),
        Column("memop", Kind.COUNT, "id of the memop that faulted, or that the thread is at"),
        Column("function", Kind.TEXT, "the guest function that it is in"),
        Column("direction", Kind.TEXT, "local-shared, shared-local or shared-either; of a patch"),
        Column("pointer_raw", Kind.RAW, "the memop's address register"),
        Column("granules", Kind.LIST, "the memory that the access touches, and its tags"),
        Column("instructions", Kind.LIST, "tag insert [1] and access [2] as they are now"),
        Column("mode", Kind.TEXT, "Local, Shared or Either, as the runtime records it"),
        Column("flips", Kind.COUNT, "how often the memop was patched"),
        Column("core", Kind.COUNT, "what the core register holds in translated code"),
        Column("resumes", Kind.ADDRESS, "where the handler would return to now"),
        Column("lock", Kind.COUNT, "the guest thread that holds the lock of tags and memops"),
        Column("journal", Kind.LIST, "the change in flight"),
        Column("others", Kind.LIST, "other threads in this memop; whether their pair is stale"),
        Column("next", Kind.TEXT, "what the thread will do when it continues"),
        Column("changes", Kind.LIST, "what changed in this step"),
    ),
    run=_run,
    options=(Option("--here", "shows where the thread is, without running the program"),),
    details=(
        "The program stops before a phase takes effect, and after the effects of all earlier "
        "phases. From a fault's signal it runs to the handler, then from phase to phase, from the "
        "last phase to [1] and then to [2], and from anywhere else to the first phase of the next "
        "fault of any thread. Phases that a fault does not need are skipped. A memop that is a "
        "critical section of rseq(2) is run in one step: the kernel would restart it at each stop "
        "inside it, as it does with `stepi`.\n\n"
        "From the fault to [2] only this thread runs; other threads stay where they are, and can "
        "be selected and stepped in turn. From elsewhere all threads run. The debugger's signal "
        "settings are not changed: a fault's signal that stops the program in the middle of a step "
        "is passed on, and any other signal or breakpoint ends the step. Nothing is written to the "
        "program except the debugger's own breakpoints, which are removed after the step; those at "
        "memops are hardware breakpoints, because memops are patched.\n\n"
        "place: signal, at a fault whose signal was not delivered yet; phase, in the handler, at a "
        "phase; handler, in the handler, between two phases; insert, at [1] or between [1] and "
        "[2]; access, at [2]."
    ),
    example="mte-step",
)
