"""Profiles of several runs → one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from mtedbg.dataclass import dataclass, field
from mtedbg.errors import FileFormatError
from mtedbg.formats.profile import joined
from mtedbg.model.profile import (
    MemopFacts,
    MemopKey,
    ModuleIdentity,
    Profile,
    ProfileMode,
    ProgramProfile,
)
from mtedbg.model.words import counted

Named = tuple[str, Profile]
"""A profile and the name of its file."""


def merge(profiles: Sequence[Named]) -> tuple[Profile, tuple[str, ...]]:
    """One profile of all of them, and a line for each thing that had to be decided.

    Counts are added. A memop that is shared in one of them is shared: the other run only did not
    get there. Builds of a program are programs of their own, since addresses of one mean nothing
    in another.

    Args:
        profiles: each with the name of its file, for messages.

    Raises:
        FileFormatError: two of them contradict each other about an access of the same code.
    """
    merged: list[_Merged] = []
    for file, profile in profiles:
        for program in profile.programs:
            one = next((one for one in merged if one.identity.same(program.identity)), None)
            if one is None:
                one = _Merged(program.name, program.identity, program.path)
                merged.append(one)
            one.add(file, program)
    programs = [
        ProgramProfile.in_order(one.name, one.identity, one.memops, one.path) for one in merged
    ]
    notes = [note for one in merged for note in one.notes()]
    return Profile(tuple(programs)), (*notes, *_builds(programs))


@dataclass(slots=True)
class _Merged:
    """A program as its profiles are added up.

    Attributes:
        widened: memops that are more than local in some of them only.
        uncounted: those that were counted in some of them only.
        digests: of the code in them: those of a file and of the same one without its symbols
            differ where its headers are in the same segment as its code.
    """

    name: str
    identity: ModuleIdentity
    path: str
    memops: dict[MemopKey, MemopFacts] = field(default_factory=dict)
    widened: set[MemopKey] = field(default_factory=set)
    uncounted: set[MemopKey] = field(default_factory=set)
    digests: set[int] = field(default_factory=set)

    def add(self, file: str, program: ProgramProfile) -> None:
        """Adds one of its profiles.

        Raises:
            FileFormatError: it contradicts the others.
        """
        self.digests.add(program.identity.digest)
        self.name = self.name or program.name
        self.path = self.path or program.path
        if not self.identity.build_id:
            self.identity = program.identity
        for key, facts in program.memops.items():
            before = self.memops.get(key)
            if before is None:
                self.memops[key] = facts
                continue
            _agree(file, program, key, before, facts)
            if before.mode != facts.mode:
                self.widened.add(key)
            if (before.executions is None) != (facts.executions is None):
                self.uncounted.add(key)
            self.memops[key] = joined(before, facts)

    def notes(self) -> Iterator[str]:
        """A line for each thing that had to be decided."""
        either = sum(self.memops[key].mode is ProfileMode.EITHER for key in self.widened)
        if shared := len(self.widened) - either:
            yield (
                f"{self.name}: {counted(shared, 'memop')} shared in one profile and local in"
                " another: shared"
            )
        if either:
            yield (
                f"{self.name}: {counted(either, 'memop')} either in one profile and local or shared"
                " in another: either"
            )
        if self.uncounted:
            yield (
                f"{self.name}: executions of {counted(len(self.uncounted), 'memop')} are not known:"
                " not all profiles counted them"
            )
        if len(self.digests) > 1:
            yield (
                f"{self.name}: {len(self.digests)} files of build id {self.identity}, which were"
                " changed after they were built (stripped, or more): taken as one, since their"
                " accesses do not contradict each other"
            )


def _agree(
    file: str, program: ProgramProfile, key: MemopKey, one: MemopFacts, other: MemopFacts
) -> None:
    if (one.access, one.size) == (other.access, other.size):
        return
    raise FileFormatError(
        f"{file}: access {key.ordinal} of {program.name}'s instruction at {key.rip:#x} is a"
        f" {other.access} of {other.size} bytes; elsewhere, a {one.access} of {one.size}",
        "the code is the same: one of the profiles is damaged, or of another translator",
    )


def _builds(programs: Sequence[ProgramProfile]) -> list[str]:
    """What is to be said of programs with one name that are not one program."""
    builds = defaultdict(list)
    changing = Counter(program.name for program in programs if program.identity.changes)
    for program in programs:
        if not program.identity.changes:
            builds[program.name].append(str(program.identity))
    said = [
        f"{name}: {len(of)} builds, kept apart: {', '.join(of)}"
        for name, of in builds.items()
        if len(of) > 1
    ]
    return said + [
        f"{name}: {number} pieces of code that can change as it runs, kept apart"
        for name, number in changing.items()
        if number > 1
    ]
