"""Memops against their bytes, over the whole process, and threads inside of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes, host_thread_of, notes_of
from mtedbg.dataclass import dataclass
from mtedbg.decode.code.code_map import NEEDS as CODEMAP_NEEDS
from mtedbg.decode.memops.journal import describe, in_flight
from mtedbg.decode.memops.memop import (
    NEEDS,
    all_memops,
    form_fault,
    memop_at,
    state_of,
    states_of,
)
from mtedbg.decode.memops.pair import pair_of, passed_insert
from mtedbg.decode.pages import Pages
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, present

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.memop import Memop, MemopState
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

MOST = 1 << 12
"""Findings that are looked for."""
MOST_THREADS = 1 << 14


class FindingKind(StrEnum):
    """What is wrong; the value is the word of `memop-verify`."""

    BYTES = "bytes"
    STALE = "stale-pair"
    IN_FLIGHT = "in-flight"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class MemopFinding:
    """One thing that is not as the runtime records it.

    Attributes:
        memop: its id; does not apply where the finding is of a thread alone.
        kind: what is wrong.
        detail: one line.
        thread: number of the host thread that it concerns.
    """

    memop: int | Absent
    kind: FindingKind
    detail: str
    thread: int | Absent = NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found, and what was looked at.

    Attributes:
        findings: threads first, then changes in flight, then bytes.
        cut: whether there are more.
        memops: how many were looked at.
        inside: threads between [1] and [2] of a memop.
        notes: remarks for people.
        lacks: whether something could not be looked at; a note says what.
    """

    findings: tuple[MemopFinding, ...]
    cut: bool
    memops: int
    inside: int
    notes: tuple[str, ...]
    lacks: bool

    def count(self, kind: FindingKind) -> int:
        """How many findings are of one kind."""
        return sum(one.kind is kind for one in self.findings)


def verify(session: Session) -> Verification:
    """Everything about memops that is not as the runtime records it.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    one = _Pass(session)
    found = tuple(islice(one.findings(), MOST + 1))
    return Verification(
        found, len(found) > MOST, one.memops, one.inside, tuple(one.notes), one.lacks
    )


class _Pass:
    """One pass over a process: findings as they come, and what was looked at."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.notes: list[str] = []
        self.lacks = False
        self.memops = 0
        self.inside = 0

    def findings(self) -> Iterator[MemopFinding]:
        """Every finding: threads first, then changes in flight, then bytes."""
        for runtime in all_runtimes(self._session):
            runtime.layout.require(NEEDS | CODEMAP_NEEDS)
            self.notes += notes_of(runtime)
            for thread in self._session.target.threads()[:MOST_THREADS]:
                yield from self._thread(runtime, thread)
            yield from self._journal(runtime)
            yield from self._all_bytes(runtime)

    def _thread(self, runtime: Runtime, thread: Thread) -> Iterator[MemopFinding]:
        registers = self._session.target.registers(thread)
        if isinstance(registers, Absent):
            yield _unread(thread, f"registers of thread {thread.number}: {registers}")
            return
        pc = self._session.strip(registers.get("pc", 0))
        try:
            memop = memop_at(runtime, pc)
        except LayoutError as error:
            memop = Absent(Reason.NOT_RECORDED, error.message)
        if isinstance(memop, Absent):
            if memop.is_hole:
                inside = f"whether thread {thread.number} is inside of a memop"
                yield _unread(thread, f"{inside}: {memop}")
            return
        if passed_insert(memop, pc):
            self.inside += 1
            yield from self._between(runtime, thread, memop, registers)

    def _between(
        self, runtime: Runtime, thread: Thread, memop: Memop, registers: Mapping[str, int]
    ) -> Iterator[MemopFinding]:
        """What is wrong with a thread that has run [1], and not yet [2]."""
        pair = pair_of(runtime, state_of(runtime, memop), registers)
        if isinstance(pair, Absent):
            yield _unread(thread, f"whether the pair is stale is not known: {pair}", memop.id)
        elif pair.stale:
            detail = f"[1] gave tag {pair.left}, it would give {pair.now} now; {pair.meaning}"
            yield MemopFinding(memop.id, FindingKind.STALE, detail, thread.number)

    def _journal(self, runtime: Runtime) -> Iterator[MemopFinding]:
        entries = in_flight(runtime)
        if isinstance(entries, Absent):
            self.notes.append(f"what is in flight is not known: {entries}")
            self.lacks = True
            return
        for entry in entries:
            if entry.memop:
                thread = host_thread_of(runtime, entry, self._session.target.threads())
                yield MemopFinding(entry.memop, FindingKind.IN_FLIGHT, describe(entry), thread)

    def _all_bytes(self, runtime: Runtime) -> Iterator[MemopFinding]:
        found = all_memops(runtime)
        if isinstance(found, Absent):
            self.notes.append(f"the code map: {found}")
            self.lacks = True
            return
        pages = Pages(self._session.target)
        for state in states_of(runtime, self._counted(found)):
            if not present(state.in_flight):
                yield from _bytes(state)
            # It never changes, whatever becomes of the memop.
            if wrong := form_fault(runtime, state, pages.read):
                yield MemopFinding(state.memop.id, FindingKind.BYTES, wrong)

    def _counted(self, found: Iterator[Memop]) -> Iterator[Memop]:
        for memop in found:
            self.memops += 1
            yield memop


def _bytes(state: MemopState) -> Iterator[MemopFinding]:
    """What is wrong with the words of one memop that no thread is patching."""
    if isinstance(state.consistent, Absent):
        if state.consistent.is_hole:
            detail = f"its words: {state.consistent}"
            yield MemopFinding(state.memop.id, FindingKind.UNREADABLE, detail)
        return
    if not state.consistent:
        decoded = state.decoded
        says = f"cannot be: {decoded}" if isinstance(decoded, Absent) else f"are {decoded}"
        detail = f"recorded {state.memop.mode}, its words {says}; no patch of it is in flight"
        yield MemopFinding(state.memop.id, FindingKind.BYTES, detail)


def _unread(thread: Thread, detail: str, memop: int | Absent = NOT_APPLICABLE) -> MemopFinding:
    return MemopFinding(memop, FindingKind.UNREADABLE, detail, thread.number)
