"""A post-mortem: which questions, in which order, and their answers part by part."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from mtedbg.analysis.code.disassembly import disassembly
from mtedbg.analysis.code.symbolize import foreign_place, jit_place
from mtedbg.analysis.fault.death import Death, death
from mtedbg.analysis.fault.fault import Fault
from mtedbg.analysis.fault.heap import suspected
from mtedbg.analysis.interrupted import place_of_death
from mtedbg.analysis.postmortem.cause import cause
from mtedbg.analysis.postmortem.missing import missing_memory
from mtedbg.analysis.postmortem.recorded import recorded_calls, recorded_facts
from mtedbg.analysis.postmortem.threads import thread_states
from mtedbg.analysis.runtimes import current_pc
from mtedbg.analysis.stacks.host_calls import host_calls
from mtedbg.analysis.stacks.registers import registers, registers_of
from mtedbg.analysis.tags.span import Form, tag_at, tag_span
from mtedbg.commands import mte_fault, mte_tags
from mtedbg.errors import OverBudgetError, too_much_memory
from mtedbg.model.absent import Absent, Reason, or_else, present, then
from mtedbg.model.fault import FaultKind, Found
from mtedbg.model.memory import size_text
from mtedbg.report import Answer, Part
from mtedbg.reports import cause as cause_report
from mtedbg.reports import heap, images, missing
from mtedbg.reports import host_calls as host_calls_report
from mtedbg.reports import host_code as host_code_report
from mtedbg.reports import recorded_calls as recorded_calls_report
from mtedbg.reports import recorded_facts as recorded_facts_report
from mtedbg.reports import registers as registers_report
from mtedbg.reports import threads as threads_report
from mtedbg.reports.section import Medium, Section, by_command, own
from mtedbg.target import ImageLister

if TYPE_CHECKING:
    from mtedbg.analysis.tags.span import TagSpan
    from mtedbg.model.figure import TagGrid
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

MOST_DRAWN = 4 << 30
"""Bytes of tagged memory that a file has a map of."""


def parts(session: Session, medium: Medium) -> Iterator[Part]:
    """The parts of the post-mortem of a dead process, as they are answered, the cause first."""
    following = sections(session, medium)
    while True:
        try:
            section = next(following, None)
        except OverBudgetError as error:
            yield Part("The rest", error=error)
            return
        except MemoryError:
            yield Part("The rest", error=too_much_memory())
            return
        if section is None:
            return
        yield section.part(session, medium)


def sections(session: Session, medium: Medium) -> Iterator[Section[Any]]:
    """What the post-mortem of `session` is made of."""
    yield own(
        "Cause",
        cause_report,
        partial(cause, session),
        cause_report.answer,
        figure=lambda found: found,
    )
    if session.target.threads():
        yield from _of_death(session, death(session), medium)
        yield _threads(session, medium)
    if medium.is_file:
        yield from _tagged_memory(session)
    yield from _files(session, medium)


def _of_death(session: Session, died: Death, medium: Medium) -> Iterator[Section[Any]]:
    """The fault, and where the thread and its runtime were."""
    thread = died.thread
    words = "" if thread.current else f"--thread {thread.number}"
    yield by_command(
        "Signal and fault", mte_fault.COMMAND, lambda: died.fault, mte_fault.answer, words
    )
    yield from _around(session, died.fault, medium)
    yield from _recorded(session, thread)
    yield _registers(session, died)
    if present(session.runtimes):
        from mtedbg.reports.runtime_sections import guest

        yield from guest(session, thread)
    yield own(
        "Host calls",
        host_calls_report,
        partial(host_calls, session, thread),
        host_calls_report.answer,
    )
    yield from _code(session, died)
    if present(session.runtimes):
        from mtedbg.reports.runtime_sections import state

        yield from state(session, medium)


def _registers(session: Session, died: Death) -> Section[Any]:
    """Those at the fault: of a thread that has gone on since, what its signal frame keeps."""
    found = partial(registers, session, died.thread)
    before = died.fault.interrupted
    if before is None or before.found is Found.RETURNED:
        return own("Registers", registers_report, found, registers_report.answer)
    return own(
        f"Registers at the fault, from the {before.source}",
        registers_report,
        partial(registers_of, session, before.registers),
        registers_report.answer,
    )


def _around(session: Session, met: Fault, medium: Medium) -> Iterator[Section[Any]]:
    """The tags and the heap at the fault, or of an asynchronous one at the first suspect."""
    first, address = next(iter(met.suspects), None), met.raw_address
    if met.interrupted is not None:  # its si_addr has no tag
        address = or_else(met.pointer, address)
    if first is not None:
        title = f"Memory tags at the first suspect, {first.name}"
        yield _tags(session, title, first.value, medium)
    elif present(address) and address and _tags_matter(session, met, address):
        yield _tags(session, "Memory tags", address, medium)
    hypotheses, whose = suspected(session, met)
    if hypotheses:
        yield own("Possible causes", heap, lambda: hypotheses, partial(heap.answer, whose=whose))


def _tags_matter(session: Session, met: Fault, pointer: int) -> bool:
    """Whether there are tags, or of a tag check fault a word to be said of why not."""
    found = tag_at(session, session.strip(pointer))
    if not isinstance(found, Absent):
        return True
    nothing = (Reason.UNMAPPED, Reason.NOT_TAGGED)
    return met.tag_check is FaultKind.SYNCHRONOUS and found.reason not in nothing


def _tags(session: Session, title: str, pointer: int, medium: Medium) -> Section[Any]:
    form = Form.RUNS if medium is Medium.JSON else Form.MAP
    return by_command(
        title,
        mte_tags.COMMAND,
        partial(tag_span, session, pointer, form=form),
        mte_tags.answer,
        f"{pointer:#x}",
        _tag_grid,
    )


def _tag_grid(found: TagSpan) -> TagGrid | None:
    from mtedbg.reports.figures import tag_grid

    return tag_grid(found)


def _recorded(session: Session, thread: Thread) -> Iterator[Section[Any]]:
    """What was recorded where the process died, if anything was."""
    facts, calls = recorded_facts(session), recorded_calls(session, thread)
    if present(facts):
        yield own(
            "What the system recorded",
            recorded_facts_report,
            lambda: facts,
            recorded_facts_report.answer,
        )
    if present(calls):
        yield own(
            "Calls, as recorded",
            recorded_calls_report,
            lambda: calls,
            recorded_calls_report.answer,
        )


def _code(session: Session, died: Death) -> Iterator[Section[Any]]:
    """The code where the fault was, and what holds it."""
    thread = died.thread
    pc, interrupted = place_of_death(session, thread)
    if present(pc) and foreign_place(session, pc) is not None:
        from mtedbg.reports.runtime_sections import of_foreign

        yield from of_foreign(session, thread, pc, f"{pc:#x}" if interrupted else "$pc")
        return
    if present(session.runtimes) and present(pc):
        from mtedbg.reports.runtime_sections import held_by, translated

        line = f"{pc:#x}" if interrupted else "$pc"
        yield from held_by(session, pc, line)
        if jit_place(session, pc) is not None:
            yield translated(session, thread, pc, line)
            return
    handled = died.fault.interrupted is not None
    current = died.fault.at.pc if handled else current_pc(session, thread)
    yield own(
        "Code at the fault" if handled else "Code",
        host_code_report,
        lambda: or_else(then(current, partial(disassembly, session)), ()),
        partial(host_code_report.answer, current),
    )


def _threads(session: Session, medium: Medium) -> Section[Any]:
    most = threads_report.WHOLE if medium.is_file else threads_report.SHOWN
    total = len(session.target.threads())
    return own(
        "Threads",
        threads_report,
        partial(thread_states, session, most),
        partial(threads_report.answer, total=total),
    )


def _tagged_memory(session: Session) -> Iterator[Section[Any]]:
    """The map of tagged memory, where that can be read in some seconds."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return
    tagged = sum(region.end - region.start for region in regions if region.tagged is True)
    if tagged <= MOST_DRAWN:
        from mtedbg.analysis.tags.regions import tagged_mappings
        from mtedbg.commands import mte_regions

        yield by_command(
            "Tagged memory",
            mte_regions.COMMAND,
            partial(tagged_mappings, session, figure=True),
            mte_regions.answer,
            figure=lambda found: found.cell_map,
        )
        return
    note = f"{size_text(tagged)} are tagged, which takes long to read: use `mte-regions`"
    yield Section("Tagged memory", "tagged-memory", (), lambda: note, _noted)


def _noted(note: str) -> Answer:
    return Answer(notes=(note,))


def _files(session: Session, medium: Medium) -> Iterator[Section[Any]]:
    """What the core lacks, and which files stand for those of the process."""
    most = missing.WHOLE if medium.is_file else missing.SHOWN
    yield own(
        "Not in this core",
        missing,
        partial(missing_memory, session),
        partial(missing.answer, most=most),
    )
    target = session.target
    if isinstance(target, ImageLister):
        yield own("Program and libraries", images, target.images, images.answer)
