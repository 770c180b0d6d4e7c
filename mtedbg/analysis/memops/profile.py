"""What a process has learned of its memops, as the profile that its runtime would have written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.dataclass import dataclass, field
from mtedbg.decode.code.code_map import CODE_MAP, RETIRED, programs_of
from mtedbg.decode.memops.journal import in_flight
from mtedbg.decode.memops.memop import NEEDS, executions_of, memops_of
from mtedbg.decode.pages import Pages
from mtedbg.errors import LayoutError
from mtedbg.formats.profile import joined
from mtedbg.model.absent import Absent, Reason, or_else, then
from mtedbg.model.code import Block, Program
from mtedbg.model.memop import Access, Memop, Mode
from mtedbg.model.profile import (
    MemopFacts,
    MemopKey,
    ModuleIdentity,
    Profile,
    ProfileAccess,
    ProfileMode,
    ProgramProfile,
)

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

_WORD = (1 << 64) - 1
_RETIRED_KEPT = 64
"""Blocks that the runtime lists of those that were retired: kRetiredKept in code/description.h."""
MOST_MEMOPS = 1 << 19
"""Of a profile: more would be longer than any that is read."""

_ACCESSES: dict[str, ProfileAccess] = {
    Access.LOAD: ProfileAccess.LOAD,
    Access.STORE: ProfileAccess.STORE,
    Access.READ_MODIFY_WRITE: ProfileAccess.RMW,
}
_MODES: dict[str, ProfileMode] = {
    Mode.LOCAL: ProfileMode.LOCAL,
    Mode.SHARED: ProfileMode.SHARED,
    Mode.EITHER: ProfileMode.EITHER,
}
_NEXT_STEP = "mtetso does; it also writes profiles itself, with --profile-out"


@dataclass(slots=True)
class _Learned:
    """Memops as they are found, and what could not be had of them."""

    memops: dict[tuple[int, MemopKey], MemopFacts] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    strange: int = 0
    unread: int = 0
    full: bool = False

    def add(self, program: int, key: MemopKey, facts: MemopFacts) -> None:
        known = self.memops.get((program, key))
        if known is None and len(self.memops) >= MOST_MEMOPS:
            self.full = True
            return
        self.memops[program, key] = facts if known is None else joined(known, facts)

    def lacks(self) -> Iterator[str]:
        """What is not in the profile, a line each."""
        yield from self.notes
        if self.strange:
            yield f"not in the profile: memops whose records are damaged, {self.strange}"
        if self.unread:
            yield f"executions of {self.unread} memops could not be read"
        if self.full:
            yield f"not in the profile: memops after the first {MOST_MEMOPS}"


def profile_of(session: Session) -> tuple[Profile, tuple[str, ...]]:
    """The profile of all programs of a process, and a line for each thing that it lacks.

    As with the runtime's own (`native/src/profile/profile.cc`): of the blocks that are there and
    those that were retired, and the same memop in several blocks is as shared as the most shared.
    A patch that was in flight to shared has been learned of.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or does not say what programs it has code of.
    """
    programs: list[ProgramProfile] = []
    lacks: list[str] = []
    for runtime in all_runtimes(session):
        runtime.layout.require(NEEDS)
        known = _programs(runtime)
        learned = _learned(runtime, known)
        for program in known.values():
            one = _of_program(runtime, program, learned)
            same = [at for at, other in enumerate(programs) if other.identity.same(one.identity)]
            if same:
                programs[same[0]] = _together(programs[same[0]], one)
            else:
                programs.append(one)
        lacks += learned.lacks()
    return Profile(tuple(programs)), tuple(lacks)


def _of_program(runtime: Runtime, program: Program, learned: _Learned) -> ProgramProfile:
    """What was learned of a program."""
    found = {key: facts for (of, key), facts in learned.memops.items() if of == program.id}
    name = runtime.text_if_any(program.name, program.name_length)
    build_id = runtime.text_if_any(program.build_id, program.build_id_length)
    path = runtime.text_if_any(program.path, program.path_length)
    identity = ModuleIdentity(or_else(program.digest, 0), build_id)
    return ProgramProfile.in_order(name, identity, found, path)


def _together(one: ProgramProfile, other: ProgramProfile) -> ProgramProfile:
    """One program, loaded twice or in two runtimes of a process."""
    found = dict(one.memops)
    for key, facts in other.memops.items():
        found[key] = joined(found[key], facts) if key in found else facts
    return ProgramProfile.in_order(one.name, one.identity, found, one.path)


def _programs(runtime: Runtime) -> dict[int, Program]:
    """The programs by their numbers."""
    programs = programs_of(runtime)
    if isinstance(programs, Absent):
        raise LayoutError(f"{runtime.name} does not record its programs: {programs}", _NEXT_STEP)
    found = {one.id: one for one in programs}
    if any(isinstance(one.digest, Absent) for one in found.values()):
        raise LayoutError(f"{runtime.name} does not distinguish builds of a program", _NEXT_STEP)
    return found


def _learned(runtime: Runtime, programs: dict[int, Program]) -> _Learned:
    learned = _Learned()
    shared = frozenset(
        entry.memop
        for entry in or_else(in_flight(runtime), ())
        if entry.memop and entry.new_mode == Mode.SHARED
    )
    pages = Pages(runtime.target)
    for block in _blocks(runtime, learned):
        if not isinstance(block.code, int) or block.code not in programs:
            continue
        records = then(memops_of(runtime, block), lambda array: array.all())
        if isinstance(records, Absent):
            learned.notes.append(f"not in the profile: memops of block {block.id}: {records}")
            continue
        _add(learned, programs[block.code], records, shared, pages)
        if learned.full:
            break
    return learned


def _blocks(runtime: Runtime, learned: _Learned) -> Iterator[Block]:
    for name in (CODE_MAP, RETIRED):
        records = runtime.rows(name, Block)
        if isinstance(records, Absent):
            if records.reason is not Reason.NOT_RECORDED:
                learned.notes.append(f"not in the profile: blocks of {name}: {records}")
            continue
        # Records outlive the code: those of unmapped blocks are still there.
        blocks = list(records)
        yield from (one for one in blocks if one.memop_count)
        if name == RETIRED and len(blocks) >= _RETIRED_KEPT:
            learned.notes.append(
                f"not in the profile: code that was retired before the last {len(blocks)} blocks"
            )


def _add(
    learned: _Learned,
    program: Program,
    records: Iterator[Memop],
    shared: frozenset[int],
    pages: Pages,
) -> None:
    """Adds the memops of a block; those of one instruction stand in the order of emission."""
    key = MemopKey(0, 0)
    bias = or_else(program.load_bias, 0)
    for one in records:
        rip = (one.guest_rip - bias) & _WORD
        key = MemopKey(rip, key.ordinal + 1 if rip == key.rip else 0)
        access, mode = _ACCESSES.get(one.access), _MODES.get(one.mode)
        if access is None or mode is None:
            learned.strange += 1
            continue
        mode = ProfileMode.SHARED if one.id in shared else mode
        flips, faults = or_else(one.flips, 0), or_else(one.faults, 0)
        executions = executions_of(one, pages.read)
        if isinstance(executions, Absent) and executions.is_hole:
            learned.unread += 1
        pinned = bool(or_else(one.pinned, 0))
        counted = or_else(executions, None)
        facts = MemopFacts(access, one.size, mode, flips, faults, pinned, counted)
        learned.add(program.id, key, facts)
