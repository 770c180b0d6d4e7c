"""Memops against their bytes, over the whole process, and threads inside of one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes, host_thread_of, notes_of
from mtedbg.decode.code.code_map import NEEDS as CODEMAP_NEEDS
from mtedbg.decode.memops.journal import describe, in_flight
from mtedbg.decode.memops.memop import NEEDS, all_memops, memop_at, state_of, states_of
from mtedbg.decode.memops.pair import pair_of, passed_insert
from mtedbg.errors import LayoutError, MtedbgError
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.memop import Memop, MemopState
from mtedbg.model.runtime import Journal
from mtedbg.report import Column, Report, Row, flat

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.model.process import Thread
    from mtedbg.session import Session

MOST = 1 << 12
"""Findings of a report."""
MOST_THREADS = 1 << 14

BYTES, STALE, IN_FLIGHT, UNREADABLE = "bytes", "stale-pair", "in-flight", "unreadable"


class _Verification:
    """One pass over a process: findings as they come, and what was looked at."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.notes: list[str] = []
        self.lacking = False
        self.memops = 0
        self.inside = 0

    def rows(self) -> Iterator[Row]:
        """Every finding: threads first, then changes in flight, then bytes."""
        for runtime in all_runtimes(self._session):
            runtime.layout.require(NEEDS | CODEMAP_NEEDS)
            self.notes += notes_of(runtime)
            for thread in self._session.target.threads()[:MOST_THREADS]:
                yield from self._thread(runtime, thread)
            yield from self._journal(runtime)
            yield from self._all_bytes(runtime)

    def _thread(self, runtime: Runtime, thread: Thread) -> Iterator[Row]:
        registers = self._session.target.registers(thread)
        if isinstance(registers, Absent):
            detail = f"registers of thread {thread.number}: {registers}"
            yield _row(NOT_APPLICABLE, UNREADABLE, detail, thread.number)
            return
        pc = self._session.strip(registers.get("pc", 0))
        try:
            memop = memop_at(runtime, pc)
        except LayoutError as error:
            memop = Absent(Reason.NOT_RECORDED, error.message)
        if isinstance(memop, Absent) and memop.is_hole:
            detail = f"whether thread {thread.number} is inside of a memop: {memop}"
            yield _row(NOT_APPLICABLE, UNREADABLE, detail, thread.number)
        if isinstance(memop, Absent) or not passed_insert(memop, pc):
            return
        self.inside += 1
        pair = pair_of(runtime, state_of(runtime, memop), registers)
        if isinstance(pair, Absent):
            detail = f"whether the pair is stale cannot be told: {pair}"
            yield _row(memop.id, UNREADABLE, detail, thread.number)
        elif pair.stale:
            detail = f"[1] gave tag {pair.left}, it would give {pair.now} now; {pair.meaning}"
            yield _row(memop.id, STALE, detail, thread.number)

    def _journal(self, runtime: Runtime) -> Iterator[Row]:
        entries = in_flight(runtime)
        if isinstance(entries, Absent):
            self.notes.append(f"what is in flight is not known: {entries}")
            self.lacking = True
            return
        for entry in entries:
            if entry.memop:
                found = self._session.target.threads()
                yield _row(
                    entry.memop, IN_FLIGHT, describe(entry), host_thread_of(runtime, entry, found)
                )

    def _all_bytes(self, runtime: Runtime) -> Iterator[Row]:
        found = all_memops(runtime)
        if isinstance(found, Absent):
            self.notes.append(f"the code map: {found}")
            self.lacking = True
            return
        for state in states_of(runtime, self._counted(found)):
            if not isinstance(state.in_flight, Journal):
                yield from _bytes(state)

    def _counted(self, found: Iterator[Memop]) -> Iterator[Memop]:
        for memop in found:
            self.memops += 1
            yield memop


def _bytes(state: MemopState) -> Iterator[Row]:
    """What is wrong with the words of one memop that nobody is patching."""
    if state.consistent is True:
        return
    if isinstance(state.consistent, Absent):
        if state.consistent.is_hole:
            yield _row(state.memop.id, UNREADABLE, f"its words: {state.consistent}", NOT_APPLICABLE)
        return
    decoded = state.decoded
    says = f"cannot be: {decoded}" if isinstance(decoded, Absent) else f"are {decoded.value}"
    detail = f"recorded {state.memop.mode}, its words {says}; no patch of it is in flight"
    yield _row(state.memop.id, BYTES, detail, NOT_APPLICABLE)


def _row(memop: int | Absent, kind: str, detail: str, thread: int | Absent) -> Row:
    return {"id": memop, "kind": kind, "detail": detail, "thread": thread}


def has_contradictions(session: Session) -> bool:
    """Whether there is a finding; false where there is no runtime that can be looked at."""
    try:
        return next(_Verification(session).rows(), None) is not None
    except MtedbgError:
        return False


def verify(
    session: Session, command: str, columns: tuple[Column, ...], most: int | None = None
) -> Report:
    """Everything about memops that is not as the runtime records it.

    Args:
        session: the process.
        command: to be named in the report.
        columns: of the report.
        most: findings at most.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    one_pass = _Verification(session)
    rows = list(islice(one_pass.rows(), MOST + 1))
    cut = len(rows) > MOST
    shown = tuple(rows[: MOST if most is None else max(1, min(most, MOST))])
    notes = list(one_pass.notes)
    if cut:
        notes.append(f"there are more than {MOST} findings: these are the first")
    elif len(shown) < len(rows):
        notes.append(f"{len(rows) - len(shown)} more: `{command}` shows them")
    return flat(
        command, session.info, columns, shown, tuple(notes),
        headline=_headline(one_pass, rows), listing=True, cut=cut,
        lacking=one_pass.lacking,
    )  # fmt: skip


def _headline(one_pass: _Verification, rows: list[Row]) -> str:
    count = one_pass.memops
    what = f"{count} memop{'s' if count != 1 else ''}"
    inside = one_pass.inside
    who = f"{inside} thread{'s' if inside != 1 else ''} between [1] and [2]"
    stale = sum(row["kind"] == STALE for row in rows)
    if stale:
        return f"{stale} stale pair{'s' if stale > 1 else ''}: {what}, {who}"
    wrong = sum(row["kind"] == BYTES for row in rows)
    if wrong:
        return f"{wrong} of {what} contradict their bytes; {who}, none with a stale pair"
    verdict = "their bytes are as recorded" if not rows else "no contradiction"
    return f"{what}: {verdict}; {who}, none with a stale pair"
