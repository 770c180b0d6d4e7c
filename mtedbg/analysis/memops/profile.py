"""What a process has learned of its memops, as the profile that its runtime would have written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.decode.code.code_map import CODE_MAP, RETIRED, programs_of
from mtedbg.decode.memops.journal import in_flight
from mtedbg.decode.memops.memop import NEEDS, memops_of
from mtedbg.errors import LayoutError
from mtedbg.formats.profile import joined, profile_text
from mtedbg.layout.memory import read_text
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.code import Block, Program
from mtedbg.model.memop import Memop, Mode
from mtedbg.model.profile import LOCAL, SHARED, MemopFacts, MemopKey, Profile, ProgramProfile
from mtedbg.report import Document, Report

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

MOST_MEMOPS = 1 << 18
"""Of a profile: more would be longer than any that is read."""

_ACCESSES = {"Load": "load", "Store": "store", "ReadModifyWrite": "rmw"}
_MODES = {Mode.LOCAL.value: LOCAL, Mode.SHARED.value: SHARED}
_NEXT_STEP = "mtetso tells it: its profiles come from --profile-out as well"


@dataclass(slots=True)
class _Learned:
    """Memops as they are found, and what could not be had of them."""

    memops: dict[tuple[int, MemopKey], MemopFacts] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    strange: int = 0
    full: bool = False

    def add(self, program: int, key: MemopKey, facts: MemopFacts) -> None:
        known = self.memops.get((program, key))
        if known is None and len(self.memops) >= MOST_MEMOPS:
            self.full = True
            return
        self.memops[program, key] = facts if known is None else joined(known, facts)


def exported(session: Session, report: Report, path: str) -> Report:
    """`report` with the profile of the process as a file at `path`, and what is missing in it.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or does not say what programs it has code of.
    """
    profile, notes = profile_of(session)
    document = Document(path, profile_text(profile))
    answer = replace(
        report.answer.noting(*notes),
        documents=(*report.answer.documents, document),
        incomplete=report.answer.incomplete or bool(notes),
    )
    return replace(report, answer=answer)


def profile_of(session: Session) -> tuple[Profile, tuple[str, ...]]:
    """The profile of all programs of a process, and a line for each thing that it lacks.

    As with the runtime's own (`native/src/profile/profile.cc`): of the blocks that are there,
    retired ones included, and the same memop in several blocks is as shared as the most shared.
    A patch that was in flight to shared has been learned of.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or does not say what programs it has code of.
    """
    programs: dict[int, ProgramProfile] = {}
    notes: list[str] = []
    for runtime in all_runtimes(session):
        runtime.layout.require(NEEDS)
        known = _programs(runtime)
        learned = _learned(runtime, known)
        for number, program in known.items():
            name = read_text(runtime.target, program.name, program.name_length)
            digest = program.digest
            assert isinstance(digest, int)
            found = {key: facts for (of, key), facts in learned.memops.items() if of == number}
            here = programs.get(digest)
            for key, facts in {} if here is None else here.memops.items():
                found[key] = joined(facts, found[key]) if key in found else facts
            text = "" if isinstance(name, Absent) else name
            programs[digest] = ProgramProfile.in_order(text, digest, found)
        notes += learned.notes
        if learned.strange:
            notes.append(f"not in the profile: memops whose records are damaged, {learned.strange}")
        if learned.full:
            notes.append(f"not in the profile: memops after the first {MOST_MEMOPS}")
    return Profile(tuple(programs.values())), tuple(notes)


def _programs(runtime: Runtime) -> dict[int, Program]:
    """The programs by their numbers."""
    programs = programs_of(runtime)
    if isinstance(programs, Absent):
        raise LayoutError(f"{runtime.name} does not tell its programs: {programs}", _NEXT_STEP)
    found = {one.id: one for one in programs}
    if any(isinstance(one.digest, Absent) for one in found.values()):
        raise LayoutError(f"{runtime.name} does not tell builds of a program apart", _NEXT_STEP)
    return found


def _learned(runtime: Runtime, programs: dict[int, Program]) -> _Learned:
    learned = _Learned()
    entries = in_flight(runtime)
    shared = frozenset(
        entry.memop
        for entry in (() if isinstance(entries, Absent) else entries)
        if entry.memop and entry.new_mode == Mode.SHARED.value
    )
    for block in _blocks(runtime, learned):
        if not isinstance(block.code, int) or block.code not in programs:
            continue
        memops = memops_of(runtime, block)
        records = memops if isinstance(memops, Absent) else memops.all()
        if isinstance(records, Absent):
            learned.notes.append(f"not in the profile: memops of block {block.id}: {records}")
            continue
        _add(learned, block.code, records, shared)
        if learned.full:
            break
    return learned


def _blocks(runtime: Runtime, learned: _Learned) -> Iterator[Block]:
    for name in (CODE_MAP, RETIRED):
        table = runtime.table(name, Block, whole=True)
        records = table if isinstance(table, Absent) else table.records.all()
        if isinstance(records, Absent):
            if records.reason is not Reason.NOT_RECORDED:
                learned.notes.append(f"not in the profile: blocks of {name}: {records}")
            continue
        yield from (one for one in records if one.memop_count and one.state != "Unmapped")


def _add(learned: _Learned, program: int, records: Iterator[Memop], shared: frozenset[int]) -> None:
    """Adds the memops of a block; those of one instruction stand in the order of emission."""
    key = MemopKey(0, 0)
    for one in records:
        same = one.guest_rip == key.rip
        key = MemopKey(one.guest_rip, key.ordinal + 1 if same else 0)
        access, mode = _ACCESSES.get(one.access), _MODES.get(one.mode)
        if access is None or mode is None:
            learned.strange += 1
            continue
        mode = SHARED if one.id in shared else mode
        facts = MemopFacts(
            access, one.size, mode, _count(one.flips), _count(one.faults), bool(_count(one.pinned))
        )
        learned.add(program, key, facts)


def _count(value: int | Absent) -> int:
    return 0 if isinstance(value, Absent) else value
