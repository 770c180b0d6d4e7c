"""What a post-mortem is made of: which questions, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mtedbg.analysis.code.audit import has_findings
from mtedbg.analysis.code.disassembly import disassembly
from mtedbg.analysis.code.symbolize import jit_place
from mtedbg.analysis.fault.fault import Fault, fault
from mtedbg.analysis.fault.heap import heap_hypotheses
from mtedbg.analysis.interrupted import interrupted_fault, place_of_death
from mtedbg.analysis.memops.progress import entries, progress
from mtedbg.analysis.memops.verify import has_contradictions
from mtedbg.analysis.postmortem import missing as holes
from mtedbg.analysis.postmortem import threads as dead_threads
from mtedbg.analysis.postmortem.cause import cause_report, suspect
from mtedbg.analysis.postmortem.recorded import has_testimony, noted_calls, testimony
from mtedbg.analysis.runtimes import current_pc
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.fault import FaultKind
from mtedbg.model.memory import size_text
from mtedbg.model.pointer import GRANULE, granule_of
from mtedbg.report import Report, flat
from mtedbg.target import ImageLister

if TYPE_CHECKING:
    from mtedbg.session import Session

FINDINGS = 8
EVENTS, EVENTS_IN_FILE = 16, 4096
MOST_DRAWN = 4 << 30
"""Bytes of tagged memory that a file has a map of."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a post-mortem: a command line, or a question that no command asks.

    Attributes:
        title: its heading.
        line: the command as a user would type it; empty where `ask` or `part` answers.
        ask: the question.
        part: the name of a report that `reports/parts.py` makes of facts.
        figure: whether the command is to draw what it reads.
    """

    title: str
    line: str = ""
    ask: Callable[[Session], Report] | None = None
    figure: bool = False
    part: str = ""


def sections(session: Session, *, whole: bool = False) -> Iterator[Section]:
    """The parts of the post-mortem of `session`, the cause first.

    Args:
        session: a dead process.
        whole: what a file has room for, and not only what a person reads in a terminal.
    """
    threads = session.target.threads()
    yield Section("Cause", ask=cause_report)
    if threads:
        yield Section("Signal and fault", "mte-fault")
        yield from _around(session)
        yield from _testimony(session)
        yield Section("Registers", part="registers")
        yield from _code(session)
        if not isinstance(session.runtimes, Absent):
            last = EVENTS_IN_FILE if whole else EVENTS
            yield Section("Last events", f"memop-log -n {last}")
            yield from _findings(session, whole=whole)
        most = dead_threads.WHOLE if whole else dead_threads.MAX_THREADS
        yield Section("Threads", ask=partial(dead_threads.all_threads, most=most))
    if whole:
        yield from _tagged_memory(session)
    most = holes.WHOLE if whole else holes.MAX_HOLES
    yield Section("Not in this core", ask=partial(holes.holes, most=most))
    if isinstance(session.target, ImageLister):
        yield Section("Program and libraries", ask=holes.images)


def _tagged_memory(session: Session) -> Iterator[Section]:
    """The map of tagged memory, where that can be read in some seconds."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return
    tagged = sum(region.end - region.start for region in regions if region.tagged is True)
    if tagged <= MOST_DRAWN:
        yield Section("Tagged memory", "mte-regions", figure=True)
        return
    note = f"{size_text(tagged)} are tagged, which takes long to read: `mte-regions` does"
    said = flat("tagged-memory", session.info, (), notes=(note,))
    yield Section("Tagged memory", ask=lambda _: said)


def _testimony(session: Session) -> Iterator[Section]:
    """What was noted where the process died, if anything was."""
    if has_testimony(session):
        yield Section("What the system says", ask=testimony)
        yield Section("Calls, as noted there", ask=noted_calls)


def _code(session: Session) -> Iterator[Section]:
    """Where the thread was: the guest and its calls, the host's, the code."""
    runtime = not isinstance(session.runtimes, Absent)
    if runtime:
        yield Section("Guest", "guest-frame")
        yield Section("Guest calls", "guest-bt")
    yield Section("Host calls", part="host-calls")
    pc, interrupted = place_of_death(session, session.thread())
    in_jit = not isinstance(pc, Absent) and jit_place(session, pc) is not None
    where = f"{pc:#x}" if interrupted and not isinstance(pc, Absent) else "$pc"
    if runtime:
        yield Section("Memop", f"memop {where}")
        yield Section("Code block", f"jit-block {where}")
    yield Section("Code", f"jit-disas {where}") if in_jit else Section("Code", ask=code)


def _findings(session: Session, *, whole: bool) -> Iterator[Section]:
    """What was in flight or is wrong with the runtime; nothing where nothing is."""
    if next(entries(session), None) is not None:
        yield Section("Changes in progress", ask=progress)
    if has_findings(session):
        yield Section("Code map", f"jit-audit -n {FINDINGS}")
    if has_contradictions(session):
        yield Section("Memops", f"memop-verify -n {FINDINGS}")
    if whole:
        yield Section("Code blocks", "jit-blocks")
        yield Section("Code segments", "jit-segments")


def _around(session: Session) -> Iterator[Section]:
    """The tags and the heap at the fault, or of an asynchronous one at the first suspect."""
    met = fault(session, session.thread())
    address = met.raw_address
    found, before = suspect(met), interrupted_fault(session, session.thread())
    if found is not None and found[1]:
        pointer, whose = found
        yield Section(f"Memory tags at the first suspect, {whose}", f"mte-tags {pointer:#x}")
    elif present(address) and address and _tags_matter(session, met, address):
        yield Section("Memory tags", f"mte-tags {address:#x}")
    elif before is not None and present(before.signal.address):
        title = "Memory tags at the fault that was being handled"
        yield Section(title, f"mte-tags {before.signal.address:#x}")
    if found is not None and heap_hypotheses(session, found[0]):
        yield Section("What may be behind it", part="heap")


def _tags_matter(session: Session, met: Fault, pointer: int) -> bool:
    """Whether there are tags, or of a tag check fault a word to be said of why not."""
    start = granule_of(session.strip(pointer))
    found = session.target.read_tags(start, start + GRANULE)[0].tags
    if not isinstance(found, Absent):
        return True
    nothing = (Reason.UNMAPPED, Reason.NOT_TAGGED)
    return met.tag_check is FaultKind.SYNCHRONOUS and found.reason not in nothing


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
