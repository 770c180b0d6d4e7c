"""A post-mortem: which questions, in which order, and their answers part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from typing import TYPE_CHECKING

from mtedbg.analysis.code.audit import has_findings
from mtedbg.analysis.code.disassembly import COLUMNS as HOST_CODE
from mtedbg.analysis.code.disassembly import disassembly
from mtedbg.analysis.code.symbolize import jit_place
from mtedbg.analysis.fault.fault import Fault, fault
from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.analysis.interrupted import interrupted_fault, place_of_death
from mtedbg.analysis.memops.progress import COLUMNS as PROGRESS
from mtedbg.analysis.memops.progress import entries, progress
from mtedbg.analysis.memops.verify import has_contradictions
from mtedbg.analysis.postmortem.cause import COLUMNS as CAUSE
from mtedbg.analysis.postmortem.cause import cause, cause_report, suspect
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
from mtedbg.commands import find, guest_bt, guest_frame, mte_fault, mte_regions, mte_tags
from mtedbg.commands._line import ask
from mtedbg.errors import MtedbgError
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.fault import FaultKind
from mtedbg.model.memory import size_text
from mtedbg.report import Answer, Column, Part, Report, flat
from mtedbg.reports import figures, heap, images, missing
from mtedbg.reports import host_calls as host_calls_report
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
class Section:
    """One part of a post-mortem.

    Attributes:
        title: its heading.
        name: of the report, as in JSON: a command's, or its own.
        columns: of the report.
        answer: answers it.
        line: the command that answers it, as a user would type it; empty where none does.
        figure: what a page draws of it.
    """

    title: str
    name: str
    columns: tuple[Column, ...]
    answer: Callable[[], Answer]
    line: str = ""
    figure: Callable[[], Figure | None] | None = None


def parts(session: Session, medium: Medium) -> Iterator[Part]:
    """The parts of the post-mortem of a dead process, as they are answered, the cause first.

    What stops one of them is told in its place.
    """
    for section in sections(session, medium):
        drawn = medium is Medium.PAGE and section.figure is not None
        try:
            answer = section.answer()
            figure = section.figure() if drawn and section.figure is not None else None
        except MtedbgError as error:
            yield Part(section.title, section.line, error=error)
        else:
            report = Report(section.name, session.info, section.columns, answer)
            yield Part(section.title, section.line, report, figure=figure)


def sections(session: Session, medium: Medium) -> Iterator[Section]:
    """What the post-mortem of `session` is made of."""
    threads = session.target.threads()
    yield _reported("Cause", "cause", CAUSE, cause_report, session, figure=lambda: cause(session))
    if threads:
        thread = session.thread()
        yield _by_command(
            "Signal and fault", mte_fault.COMMAND, lambda: mte_fault.answer(fault(session, thread))
        )
        yield from _around(session, thread, medium)
        yield from _recorded(session, thread)
        yield Section(
            "Registers", "registers", registers_report.COLUMNS,
            lambda: registers_report.answer(registers(session, thread)),
        )  # fmt: skip
        yield from _code(session, thread)
        if present(session.runtimes):
            last = EVENTS_IN_FILE if medium.is_file else EVENTS
            yield _asked(session, "Last events", "memop-log", f"-n {last}", figures.timeline)
            yield from _findings(session, medium)
        yield _threads(session, medium)
    if medium.is_file:
        yield from _tagged_memory(session)
    yield from _files(session, medium)


def _threads(session: Session, medium: Medium) -> Section:
    most = threads_report.WHOLE if medium.is_file else threads_report.SHOWN
    total = len(session.target.threads())
    return Section(
        "Threads", "threads", threads_report.COLUMNS,
        lambda: threads_report.answer(thread_states(session, most), total),
    )  # fmt: skip


def _files(session: Session, medium: Medium) -> Iterator[Section]:
    """What the core lacks, and which files stand for those of the process."""
    most = missing.WHOLE if medium.is_file else missing.SHOWN
    yield Section(
        "Not in this core", "holes", missing.COLUMNS,
        lambda: missing.answer(missing_memory(session), most),
    )  # fmt: skip
    target = session.target
    if isinstance(target, ImageLister):
        yield Section(
            "Program and libraries", "images", images.COLUMNS,
            lambda: images.answer(target.images()),
        )  # fmt: skip


def _tagged_memory(session: Session) -> Iterator[Section]:
    """The map of tagged memory, where that can be read in some seconds."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return
    tagged = sum(region.end - region.start for region in regions if region.tagged is True)
    if tagged <= MOST_DRAWN:
        found = cache(lambda: tagged_mappings(session, figure=True))
        yield _by_command(
            "Tagged memory", mte_regions.COMMAND,
            lambda: mte_regions.answer(found()), figure=lambda: found().cell_map,
        )  # fmt: skip
        return
    note = f"{size_text(tagged)} are tagged, which takes long to read: `mte-regions` does"
    yield Section("Tagged memory", "tagged-memory", (), lambda: Answer(notes=(note,)))


def _recorded(session: Session, thread: Thread) -> Iterator[Section]:
    """What was recorded where the process died, if anything was."""
    facts, calls = recorded_facts(session), recorded_calls(session, thread)
    if present(facts):
        yield Section(
            "What the system says", "testimony", recorded_facts_report.COLUMNS,
            partial(recorded_facts_report.answer, facts),
        )  # fmt: skip
    if present(calls):
        yield Section(
            "Calls, as noted there", "noted-calls", recorded_calls_report.COLUMNS,
            partial(recorded_calls_report.answer, calls),
        )  # fmt: skip


def _guest(session: Session, thread: Thread) -> Iterator[Section]:
    yield _by_command(
        "Guest", guest_frame.COMMAND,
        lambda: guest_frame.answer(guest_on(session, thread)),
    )  # fmt: skip
    yield _by_command(
        "Guest calls", guest_bt.COMMAND,
        lambda: guest_bt.answer(thread, guest_calls(session, thread)),
    )  # fmt: skip


def _code(session: Session, thread: Thread) -> Iterator[Section]:
    """Where the thread was: the guest and its calls, the host's, the code."""
    runtime = present(session.runtimes)
    if runtime:
        yield from _guest(session, thread)
    yield Section(
        "Host calls", "host-calls", host_calls_report.COLUMNS,
        lambda: host_calls_report.answer(host_calls(session, thread)),
    )  # fmt: skip
    pc, interrupted = place_of_death(session, thread)
    in_jit = not isinstance(pc, Absent) and jit_place(session, pc) is not None
    where = f"{pc:#x}" if interrupted and not isinstance(pc, Absent) else "$pc"
    if runtime:
        yield _asked(session, "Memop", "memop", where)
        yield _asked(session, "Code block", "jit-block", where)
    if in_jit:
        yield _asked(session, "Code", "jit-disas", where)
    else:
        yield _reported("Code", "code", HOST_CODE, code, session)


def _findings(session: Session, medium: Medium) -> Iterator[Section]:
    """What was in flight or is wrong with the runtime; nothing where nothing is."""
    if next(entries(session), None) is not None:
        yield _reported("Changes in progress", "in-progress", PROGRESS, progress, session)
    if has_findings(session):
        yield _asked(session, "Code map", "jit-audit", f"-n {FINDINGS}")
    if has_contradictions(session):
        yield _asked(session, "Memops", "memop-verify", f"-n {FINDINGS}")
    if medium.is_file:
        yield _asked(session, "Code blocks", "jit-blocks")
        drawn = lambda _: figures.segment_map(session)  # noqa: E731
        yield _asked(session, "Code segments", "jit-segments", figure=drawn)


def _around(session: Session, thread: Thread, medium: Medium) -> Iterator[Section]:
    """The tags and the heap at the fault, or of an asynchronous one at the first suspect."""
    met = fault(session, thread)
    address = met.raw_address
    found, before = suspect(met), interrupted_fault(session, thread)
    if found is not None and found[1]:
        pointer, whose = found
        yield _tags(session, f"Memory tags at the first suspect, {whose}", pointer, medium)
    elif present(address) and address and _tags_matter(session, met, address):
        yield _tags(session, "Memory tags", address, medium)
    elif before is not None and present(before.signal.address):
        title = "Memory tags at the fault that was being handled"
        yield _tags(session, title, before.signal.address, medium)
    if found is not None and (hypotheses := heap_hypotheses(session, found[0])):
        answer = partial(heap.answer, hypotheses, found[1])
        yield Section("What may be behind it", "heap", heap.COLUMNS, answer)


def _tags_matter(session: Session, met: Fault, pointer: int) -> bool:
    """Whether there are tags, or of a tag check fault a word to be said of why not."""
    found = tag_at(session, session.strip(pointer))
    if not isinstance(found, Absent):
        return True
    nothing = (Reason.UNMAPPED, Reason.NOT_TAGGED)
    return met.tag_check is FaultKind.SYNCHRONOUS and found.reason not in nothing


def _tags(session: Session, title: str, pointer: int, medium: Medium) -> Section:
    form = Form.RUNS if medium is Medium.JSON else Form.MAP
    return _by_command(
        title, mte_tags.COMMAND,
        lambda: mte_tags.answer(tag_span(session, pointer, form=form)), f"{pointer:#x}",
        lambda: figures.tag_grid(tag_span(session, pointer)),
    )  # fmt: skip


def _by_command(
    title: str,
    command: Command,
    answer: Callable[[], Answer],
    words: str = "",
    figure: Callable[[], Figure | None] | None = None,
) -> Section:
    """What a command answers, with its line."""
    line = f"{command.name} {words}".rstrip()
    return Section(title, command.name, command.columns, answer, line, figure)


def _asked(  # TRANSITION: until every command has facts
    session: Session,
    title: str,
    name: str,
    words: str = "",
    figure: Callable[[Answer], Figure | None] | None = None,
) -> Section:
    command = find(name)
    assert command is not None

    def answered() -> Answer:
        return ask(session, command, words)[1].answer

    drawn = None if figure is None else lambda: figure(answered())
    return _by_command(title, command, answered, words, drawn)


def _reported(  # TRANSITION: likewise
    title: str,
    name: str,
    columns: tuple[Column, ...],
    question: Callable[[Session], Report],
    session: Session,
    figure: Callable[[], Figure | None] | None = None,
) -> Section:
    return Section(title, name, columns, lambda: question(session).answer, figure=figure)


def code(session: Session) -> Report:
    """Host code around the PC."""
    pc = current_pc(session, session.thread())
    if isinstance(pc, Absent):
        return flat("code", session.info, (), notes=(f"the PC is not known: {pc}",))
    report = disassembly(session, "code", pc)
    if all(isinstance(row["bytes"], Absent) for row in report.rows):  # say it once
        why = next(row["bytes"] for row in report.rows if row["mark"])
        return flat("code", session.info, report.columns, notes=(f"code at {pc:#x}: {why}",))
    return report
