"""What a post-mortem is made of: which questions, in which order, and three of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mtedbg.decode.signal import name_signal
from mtedbg.model.absent import Absent, Reason, present
from mtedbg.model.fault import FaultKind
from mtedbg.model.pointer import GRANULE, granule_of
from mtedbg.query.audit import has_findings
from mtedbg.query.candidates import candidates
from mtedbg.query.disassembly import disassembly
from mtedbg.query.verify import has_contradictions
from mtedbg.report import Column, Kind, Report, Row

if TYPE_CHECKING:
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

MAX_THREADS = 64
MAX_HOLES = 64
FINDINGS = 8

THREAD_COLUMNS = (
    Column("thread", Kind.COUNT, "its number here, for --thread"),
    Column("tid", Kind.COUNT, "the kernel's thread id"),
    Column("name", Kind.TEXT, "its name, where the core has it"),
    Column("pc", Kind.ADDRESS, "where it stood"),
    Column("symbol", Kind.TEXT, "what that lies in"),
    Column("current", Kind.FLAG, "whether it is the one that died"),
)
HOLE_COLUMNS = (
    Column("start", Kind.ADDRESS, "first address of the mapping"),
    Column("end", Kind.ADDRESS, "one past its last address"),
    Column("perms", Kind.TEXT, "as in /proc/PID/maps"),
    Column("name", Kind.TEXT, "file or pseudo name"),
    Column("missing", Kind.TEXT, "contents, tags or both"),
)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a post-mortem: a command line, or a question that no command asks.

    Attributes:
        title: its heading.
        line: the command as a user would type it; empty where `ask` answers.
        ask: the question.
    """

    title: str
    line: str = ""
    ask: Callable[[Session], Report] | None = None


def sections(session: Session) -> Iterator[Section]:
    """The parts of the post-mortem of `session`, the cause first."""
    threads = session.target.threads()
    if threads:
        yield Section("Signal and fault", "mte-fault")
        yield from _tags(session)
        if not isinstance(session.runtimes, Absent):
            yield Section("Guest", "guest-frame")
            yield Section("Guest calls", "guest-bt")
            yield Section("Memop", "memop $pc")
            yield Section("Code block", "jit-block $pc")
        yield Section("Code", ask=code)
        if not isinstance(session.runtimes, Absent):
            yield Section("Last events", "memop-log -n 16")
            yield from _findings(session)
        yield Section("Threads", ask=all_threads)
    yield Section("Not in this core", ask=holes)


def _findings(session: Session) -> Iterator[Section]:
    """What is wrong with the runtime, or was in flight; nothing where nothing is."""
    if has_findings(session):
        yield Section("Code map", f"jit-audit -n {FINDINGS}")
    if has_contradictions(session):
        yield Section("Memops", f"memop-verify -n {FINDINGS}")


def _tags(session: Session) -> Iterator[Section]:
    """The tags at the fault, or of an asynchronous one at what looks most like it."""
    info = session.target.signal(session.thread())
    if isinstance(info, Absent):
        return
    if name_signal(info).tag_check is FaultKind.ASYNCHRONOUS:
        registers = session.target.registers(session.thread())
        if isinstance(registers, Absent) or "pc" not in registers:
            return
        for suspect in candidates(session, registers, session.strip(registers["pc"]))[:1]:
            title = f"Memory tags at the first suspect, {suspect['register']}"
            yield Section(title, f"mte-tags {suspect['value_raw']:#x}")
    elif present(info.address) and _may_be_tagged(session, info.address):
        yield Section("Memory tags", f"mte-tags {info.address:#x}")


def _may_be_tagged(session: Session, pointer: int) -> bool:
    start = granule_of(session.strip(pointer))
    found = session.target.read_tags(start, start + GRANULE)[0].tags
    nothing = (Reason.UNMAPPED, Reason.NOT_TAGGED)
    return not isinstance(found, Absent) or found.reason not in nothing


def code(session: Session) -> Report:
    """Host code around the PC."""
    registers = session.target.registers(session.thread())
    if isinstance(registers, Absent) or "pc" not in registers:
        return Report("code", session.info, (), notes=("the PC is not known",))
    pc = session.strip(registers["pc"])
    report = disassembly(session, "code", pc)
    words = {row["address"]: row["bytes"] for row in report.rows}
    if all(isinstance(word, Absent) for word in words.values()):  # say it once
        return replace(report, rows=(), picture=()).noting(f"code at {pc:#x}: {words[pc]}")
    return report


def all_threads(session: Session) -> Report:
    """All threads in short."""
    threads = session.target.threads()
    rows = tuple(_thread(session, thread) for thread in threads[:MAX_THREADS])
    report = Report("threads", session.info, THREAD_COLUMNS, rows, listing=True)
    more = len(threads) - len(rows)
    return report.noting(f"and {more} more threads") if more else report


def _thread(session: Session, thread: Thread) -> Row:
    registers = session.target.registers(thread)
    missing = Absent(Reason.NOT_RECORDED)
    pc: int | Absent = missing
    if not isinstance(registers, Absent) and "pc" in registers:
        pc = session.strip(registers["pc"])
    symbol = pc if isinstance(pc, Absent) else session.target.symbol_at(pc)
    return {
        "thread": thread.number,
        "tid": thread.tid,
        "name": thread.name,
        "pc": pc,
        "symbol": symbol if isinstance(symbol, Absent) else str(symbol),
        "current": thread.current,
    }


def holes(session: Session) -> Report:
    """Mappings whose contents or tags are not there; those that nobody may access left out."""
    regions = session.target.regions()
    if isinstance(regions, Absent):
        return Report("holes", session.info, HOLE_COLUMNS, notes=(f"mappings: {regions}",))
    rows: list[Row] = []
    count = 0
    for region in regions:
        if region.perms == "---":
            continue
        missing = [] if region.dumped else ["contents"]
        if region.tagged is True and _tags_missing(session, region.start):
            missing.append("tags")
        if missing:
            count += 1
            if len(rows) < MAX_HOLES:
                rows.append(
                    {
                        "start": region.start,
                        "end": region.end,
                        "perms": region.perms,
                        "name": region.name,
                        "missing": " and ".join(missing),
                    }
                )
    report = Report("holes", session.info, HOLE_COLUMNS, tuple(rows), listing=True)
    if count == 0:
        return report.noting("every mapping is there, with its tags")
    return report.noting(f"and {count - len(rows)} more") if count > len(rows) else report


def _tags_missing(session: Session, start: int) -> bool:
    first = session.target.read_tags(start, start + GRANULE)[0].tags
    return isinstance(first, Absent)
