"""A post-mortem: which questions, in which order, and their answers part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mtedbg.analysis.code.audit import audit, has_findings
from mtedbg.analysis.code.block import code_at
from mtedbg.analysis.code.blocks import blocks
from mtedbg.analysis.code.disassembly import disassembly
from mtedbg.analysis.code.listing import listing
from mtedbg.analysis.code.segments import segments
from mtedbg.analysis.code.symbolize import jit_place
from mtedbg.analysis.fault.fault import Fault, fault
from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.analysis.interrupted import interrupted_fault, place_of_death
from mtedbg.analysis.memops.changes import changes
from mtedbg.analysis.memops.log import log
from mtedbg.analysis.memops.memop import find_memop
from mtedbg.analysis.memops.verify import has_contradictions, verify
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.analysis.postmortem.missing import missing_memory
from mtedbg.analysis.postmortem.recorded import recorded_calls, recorded_facts
from mtedbg.analysis.postmortem.threads import thread_states
from mtedbg.analysis.runtimes import current_pc
from mtedbg.analysis.stacks.guest_calls import guest_calls
from mtedbg.analysis.stacks.guest_frame import guest_on
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.analysis.stacks.registers import registers
from mtedbg.analysis.tags.regions import tagged_mappings
from mtedbg.analysis.tags.span import Form, tag_at, tag_span
from mtedbg.commands import (
    guest_bt,
    guest_frame,
    jit_audit,
    jit_block,
    jit_blocks,
    jit_disas,
    jit_segments,
    memop,
    memop_log,
    memop_verify,
    mte_fault,
    mte_regions,
    mte_tags,
)
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent, Reason, or_else, present, then
from mtedbg.model.fault import FaultKind
from mtedbg.model.memory import size_text
from mtedbg.report import Answer, Column, Part, Report
from mtedbg.reports import cause as cause_report
from mtedbg.reports import changes as changes_report
from mtedbg.reports import figures, heap, images, missing
from mtedbg.reports import host_calls as host_calls_report
from mtedbg.reports import host_code as host_code_report
from mtedbg.reports import recorded_calls as recorded_calls_report
from mtedbg.reports import recorded_facts as recorded_facts_report
from mtedbg.reports import registers as registers_report
from mtedbg.reports import threads as threads_report
from mtedbg.target import ImageLister

if TYPE_CHECKING:
    from mtedbg.commands import Command
    from mtedbg.model.figure import Figure
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

F = TypeVar("F")

FINDINGS = 8
EVENTS, EVENTS_IN_FILE = 16, 4096
MOST_DRAWN = 4 << 30
"""Bytes of tagged memory that a file has a map of."""


class Medium(Enum):
    """What a post-mortem is for: a person reads less in a terminal than a file has room for."""

    TERMINAL = "terminal"
    JSON = "json"
    PAGE = "page"

    @property
    def is_file(self) -> bool:
        """Whether it has room for everything."""
        return self is not Medium.TERMINAL


@dataclass(frozen=True, slots=True)
class Section(Generic[F]):
    """One part of a post-mortem: a question, and what is made of its facts.

    Attributes:
        title: its heading.
        name: of the report, as in JSON: a command's, or its own.
        columns: of the report.
        ask: gives the facts.
        answer: makes the answer of them.
        line: the command that answers it, as a user would type it; empty where none does.
        figure: makes of them what a page draws.
    """

    title: str
    name: str
    columns: tuple[Column, ...]
    ask: Callable[[], F]
    answer: Callable[[F], Answer]
    line: str = ""
    figure: Callable[[F], Figure | None] | None = None

    def part(self, session: Session, medium: Medium) -> Part:
        """The part as it is answered; what stops it is told in its place."""
        try:
            facts = self.ask()
            answer = self.answer(facts)
            drawn = self.figure if medium is Medium.PAGE else None
            figure = None if drawn is None else drawn(facts)
        except MtedbgError as error:
            return Part(self.title, self.line, error=error)
        report = Report(self.name, session.info, self.columns, answer)
        return Part(self.title, self.line, report, figure=figure)


def parts(session: Session, medium: Medium) -> Iterator[Part]:
    """The parts of the post-mortem of a dead process, as they are answered, the cause first."""
    return (section.part(session, medium) for section in sections(session, medium))


def sections(session: Session, medium: Medium) -> Iterator[Section[Any]]:
    """What the post-mortem of `session` is made of."""
    yield Section(
        "Cause", "cause", cause_report.COLUMNS,
        partial(cause, session), cause_report.answer, figure=lambda found: found,
    )  # fmt: skip
    if session.target.threads():
        yield from _of_thread(session, session.thread(), medium)
        yield _threads(session, medium)
    if medium.is_file:
        yield from _tagged_memory(session)
    yield from _files(session, medium)


def _by_command(
    title: str,
    command: Command,
    ask: Callable[[], F],
    answer: Callable[[F], Answer],
    words: str = "",
    figure: Callable[[F], Figure | None] | None = None,
) -> Section[F]:
    """What a command answers; `words` are its arguments, as a user would type them."""
    line = f"{command.name} {words}".rstrip()
    return Section(title, command.name, command.columns, ask, answer, line, figure)


def _of_thread(session: Session, thread: Thread, medium: Medium) -> Iterator[Section[Any]]:
    """What the thread that died stopped on, and where it and its runtime were."""
    yield _by_command(
        "Signal and fault", mte_fault.COMMAND, partial(fault, session, thread), mte_fault.answer
    )
    yield from _around(session, thread, medium)
    yield from _recorded(session, thread)
    yield Section(
        "Registers", "registers", registers_report.COLUMNS,
        partial(registers, session, thread), registers_report.answer,
    )  # fmt: skip
    runtime = present(session.runtimes)
    if runtime:
        yield from _guest(session, thread)
    yield Section(
        "Host calls", "host-calls", host_calls_report.COLUMNS,
        partial(host_calls, session, thread), host_calls_report.answer,
    )  # fmt: skip
    yield from _code(session, thread)
    if runtime:
        yield from _of_runtime(session, medium)


def _around(session: Session, thread: Thread, medium: Medium) -> Iterator[Section[Any]]:
    """The tags and the heap at the fault, or of an asynchronous one at the first suspect."""
    met, before = fault(session, thread), interrupted_fault(session, thread)
    first, address = next(iter(met.suspects), None), met.raw_address
    if first is not None:
        title = f"Memory tags at the first suspect, {first.name}"
        yield _tags(session, title, first.value, medium)
    elif present(address) and address and _tags_matter(session, met, address):
        yield _tags(session, "Memory tags", address, medium)
    elif before is not None and present(before.signal.address):
        title = "Memory tags at the fault that was being handled"
        yield _tags(session, title, before.signal.address, medium)
    pointer, whose = (met.pointer, "") if first is None else (first.value, first.name)
    if present(pointer) and (hypotheses := heap_hypotheses(session, pointer)):
        yield Section(
            "What may be behind it", "heap", heap.COLUMNS,
            lambda: hypotheses, partial(heap.answer, whose=whose),
        )  # fmt: skip


def _tags_matter(session: Session, met: Fault, pointer: int) -> bool:
    """Whether there are tags, or of a tag check fault a word to be said of why not."""
    found = tag_at(session, session.strip(pointer))
    if not isinstance(found, Absent):
        return True
    nothing = (Reason.UNMAPPED, Reason.NOT_TAGGED)
    return met.tag_check is FaultKind.SYNCHRONOUS and found.reason not in nothing


def _tags(session: Session, title: str, pointer: int, medium: Medium) -> Section[Any]:
    form = Form.RUNS if medium is Medium.JSON else Form.MAP
    return _by_command(
        title, mte_tags.COMMAND, partial(tag_span, session, pointer, form=form), mte_tags.answer,
        f"{pointer:#x}", figures.tag_grid,
    )  # fmt: skip


def _recorded(session: Session, thread: Thread) -> Iterator[Section[Any]]:
    """What was recorded where the process died, if anything was."""
    facts, calls = recorded_facts(session), recorded_calls(session, thread)
    if present(facts):
        yield Section(
            "What the system says", "testimony", recorded_facts_report.COLUMNS,
            lambda: facts, recorded_facts_report.answer,
        )  # fmt: skip
    if present(calls):
        yield Section(
            "Calls, as noted there", "noted-calls", recorded_calls_report.COLUMNS,
            lambda: calls, recorded_calls_report.answer,
        )  # fmt: skip


def _guest(session: Session, thread: Thread) -> Iterator[Section[Any]]:
    yield _by_command(
        "Guest", guest_frame.COMMAND, partial(guest_on, session, thread), guest_frame.answer
    )
    yield _by_command(
        "Guest calls", guest_bt.COMMAND,
        partial(guest_calls, session, thread), partial(guest_bt.answer, thread),
    )  # fmt: skip


def _code(session: Session, thread: Thread) -> Iterator[Section[Any]]:
    """The code where the thread was, and what holds it."""
    pc, interrupted = place_of_death(session, thread)
    where = f"{or_else(pc, 0):#x}" if interrupted else "$pc"
    if present(session.runtimes) and present(pc):
        yield _by_command(
            "Memop", memop.COMMAND,
            partial(find_memop, session, pc, or_id=True), partial(memop.answer, or_id=True), where,
        )  # fmt: skip
        yield _by_command(
            "Code block", jit_block.COMMAND,
            partial(code_at, session, pc), jit_block.answer, where,
        )  # fmt: skip
    if present(pc) and jit_place(session, pc) is not None:
        yield _by_command(
            "Code", jit_disas.COMMAND,
            partial(listing, session, pc, thread=thread), jit_disas.answer, where,
        )  # fmt: skip
        return
    current = current_pc(session, thread)
    yield Section(
        "Code", "code", host_code_report.COLUMNS,
        lambda: or_else(then(current, partial(disassembly, session)), ()),
        partial(host_code_report.answer, current),
    )  # fmt: skip


def _of_runtime(session: Session, medium: Medium) -> Iterator[Section[Any]]:
    """What the runtime did last, what was in flight, and what is wrong with it."""
    last = EVENTS_IN_FILE if medium.is_file else EVENTS
    yield _by_command(
        "Last events", memop_log.COMMAND,
        partial(log, session, last=last), memop_log.answer, f"-n {last}", figures.timeline,
    )  # fmt: skip
    if changes(session):
        yield Section(
            "Changes in progress", "in-progress", changes_report.COLUMNS,
            partial(changes, session), changes_report.answer,
        )  # fmt: skip
    if has_findings(session):
        yield _by_command(
            "Code map", jit_audit.COMMAND,
            partial(audit, session), partial(jit_audit.answer, most=FINDINGS), f"-n {FINDINGS}",
        )  # fmt: skip
    if has_contradictions(session):
        yield _by_command(
            "Memops", memop_verify.COMMAND,
            partial(verify, session), partial(memop_verify.answer, most=FINDINGS), f"-n {FINDINGS}",
        )  # fmt: skip
    if medium.is_file:
        yield _by_command(
            "Code blocks", jit_blocks.COMMAND, partial(blocks, session), jit_blocks.answer
        )
        yield _by_command(
            "Code segments", jit_segments.COMMAND, partial(segments, session), jit_segments.answer,
            figure=partial(figures.segment_map, session),
        )  # fmt: skip


def _threads(session: Session, medium: Medium) -> Section[Any]:
    most = threads_report.WHOLE if medium.is_file else threads_report.SHOWN
    total = len(session.target.threads())
    return Section(
        "Threads", "threads", threads_report.COLUMNS,
        partial(thread_states, session, most), partial(threads_report.answer, total=total),
    )  # fmt: skip


def _tagged_memory(session: Session) -> Iterator[Section[Any]]:
    """The map of tagged memory, where that can be read in some seconds."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return
    tagged = sum(region.end - region.start for region in regions if region.tagged is True)
    if tagged <= MOST_DRAWN:
        yield _by_command(
            "Tagged memory", mte_regions.COMMAND,
            partial(tagged_mappings, session, figure=True), mte_regions.answer,
            figure=lambda found: found.cell_map,
        )  # fmt: skip
        return
    note = f"{size_text(tagged)} are tagged, which takes long to read: `mte-regions` does"
    yield Section("Tagged memory", "tagged-memory", (), lambda: note, _noted)


def _noted(note: str) -> Answer:
    return Answer(notes=(note,))


def _files(session: Session, medium: Medium) -> Iterator[Section[Any]]:
    """What the core lacks, and which files stand for those of the process."""
    most = missing.WHOLE if medium.is_file else missing.SHOWN
    yield Section(
        "Not in this core", "holes", missing.COLUMNS,
        partial(missing_memory, session), partial(missing.answer, most=most),
    )  # fmt: skip
    target = session.target
    if isinstance(target, ImageLister):
        yield Section(
            "Program and libraries", "images", images.COLUMNS, target.images, images.answer
        )
