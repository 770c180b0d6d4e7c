"""Where the selected thread stands, from several questions at once: what a front end shows.

One call, so that a front end asks its debugger once a stop. What stops one of the questions leaves
its part out; the others are answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.fault.fault import fault
from mtedbg.analysis.fault.words import headline as fault_headline
from mtedbg.analysis.memops.memop import find_memop
from mtedbg.analysis.runtimes import current_pc
from mtedbg.analysis.stacks.guest_frame import guest_on
from mtedbg.analysis.tags.span import LINE, Form, line_of, tag_span
from mtedbg.commands import guest_frame, jit_block, memop, mte_fault, mte_tags
from mtedbg.dataclass import dataclass
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent, or_else, present, then
from mtedbg.render.json import to_object
from mtedbg.render.text import render_text
from mtedbg.report import Answer, Line, Report, Span, Table

if TYPE_CHECKING:
    from mtedbg.analysis.fault.fault import Fault
    from mtedbg.analysis.memops.memop import FoundMemop
    from mtedbg.analysis.stacks.guest_frame import GuestOnThread
    from mtedbg.analysis.tags.span import TagSpan
    from mtedbg.commands import Command
    from mtedbg.model.code_place import CodePlace
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

SCHEMA = "mtedbg/moment/1"
AROUND = 1
"""Lines of the tag map that are shown before and after the one of the fault."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Stopped:
    """What is known of a thread; None where a question could not be answered."""

    fault: Fault | None
    frame: GuestOnThread | None
    block: CodePlace | None
    memop: FoundMemop | None
    faulted: FoundMemop | None
    tags: TagSpan | None


def stop_context(session: Session, thread: Thread, *, color: bool = False) -> dict[str, Any]:
    """What is to be shown of `thread`.

    Args:
        session: of a stopped process or a core.
        thread: that the debugger has selected.
        color: whether `context` may be in colour.

    Returns:
        JSON-ready: `target` (kind, tag_source), `thread` (number, tid, name), `pc`, `symbol`;
        `frame`, `block`, `memop`, `fault`: the row of `guest-frame`, `jit-block`, `memop`,
        `mte-fault`, or null; `context`: a few lines of text, empty where nothing is to be said.

    Raises:
        MtedbgError: the program runs.
    """
    pc = current_pc(session, thread)
    symbol = then(pc, session.target.symbol_at)
    found = _stopped(session, thread, pc)

    def row(command: Command, fact: T | None, answer: Callable[[T], Answer]) -> Any:
        return None if fact is None else _row(session, command, answer(fact))

    return {
        "schema": SCHEMA,
        "target": {"kind": session.info.kind, "tag_source": session.info.tag_source},
        "thread": {"number": thread.number, "tid": thread.tid, "name": thread.name},
        "pc": or_else(then(pc, hex), None),
        "symbol": or_else(then(symbol, str), None),
        "frame": row(guest_frame.COMMAND, found.frame, guest_frame.answer),
        "block": row(jit_block.COMMAND, found.block, jit_block.answer),
        "memop": row(memop.COMMAND, found.memop, memop.answer),
        "fault": row(mte_fault.COMMAND, found.fault, mte_fault.answer),
        "context": _context(session, found, color=color),
    }


def _stopped(session: Session, thread: Thread, pc: int | Absent) -> _Stopped:
    met = _or_none(lambda: fault(session, thread))
    block = None if isinstance(pc, Absent) else _or_none(lambda: code_at(session, pc))
    pointer = met.raw_address if met is not None and present(met.pointer_tag) else None
    tags = None
    if isinstance(pointer, int):
        tags = _or_none(lambda: tag_span(session, pointer))
    return _Stopped(
        met,
        _or_none(lambda: guest_on(session, thread)),
        block,
        _memop(session, None if block is None else block.memop),
        _memop(session, None if met is None else met.memop),
        tags,
    )


def _or_none(question: Callable[[], T]) -> T | None:
    """The answer, or None where there is none, as without a runtime."""
    try:
        return question()
    except MtedbgError:
        return None


def _memop(session: Session, number: int | Absent | None) -> FoundMemop | None:
    if number is None or isinstance(number, Absent):
        return None
    return _or_none(lambda: find_memop(session, number, or_id=True))


def _row(session: Session, command: Command, answer: Answer) -> dict[str, Any] | None:
    """The row of a command's answer, as in its JSON."""
    rows = to_object(Report(command.name, session.info, command.columns, answer))["rows"]
    return rows[0] if rows else None


def _context(session: Session, found: _Stopped, *, color: bool) -> str:
    """The fault, the tags around it, the memop, the block: each where there is one."""
    lines = tuple(_lines(found))
    headline, notes = "", tuple[str, ...]()
    if found.fault is not None and found.tags is not None:
        headline = fault_headline(found.fault)
        notes = mte_fault.answer(found.fault).notes + mte_tags.answer(found.tags).notes
    if not lines and not headline:
        return ""
    shown = Answer(Table(lines=lines), headline, notes)
    return render_text(Report("context", session.info, (), shown), color=color)


def _lines(found: _Stopped) -> Iterator[Line]:
    if found.fault is not None and present(found.fault.transition):
        yield (Span(found.fault.transition),)
    if found.tags is not None and found.tags.form is Form.MAP:
        yield from _around(found.tags)
    if at := found.memop or found.faulted:
        yield (Span(memop.answer(at).headline),)
    if found.block is not None and present(found.block.block):
        yield (Span(jit_block.answer(found.block).headline),)


def _around(tags: TagSpan) -> tuple[Line, ...]:
    """The pointer's line of a tag map and its neighbours."""
    lines = tuple(mte_tags.map_lines(tags))
    here = (line_of(tags.address) - line_of(tags.runs[0].start)) // LINE
    return lines[max(0, here - AROUND) : here + AROUND + 1]
