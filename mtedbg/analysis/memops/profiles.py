"""Profiles of several runs → one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mtedbg.errors import FileFormatError
from mtedbg.formats.profile import joined
from mtedbg.model.profile import MemopFacts, MemopKey, Profile, ProgramProfile

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
    merged: dict[int, dict[MemopKey, MemopFacts]] = defaultdict(dict)
    names: dict[int, str] = {}
    widened: dict[int, set[MemopKey]] = defaultdict(set)
    for file, profile in profiles:
        for program in profile.programs:
            names[program.digest] = names.get(program.digest) or program.name
            known = merged[program.digest]
            for key, facts in program.memops.items():
                before = known.get(key)
                if before is None:
                    known[key] = facts
                    continue
                _agree(file, program, key, before, facts)
                if before.mode != facts.mode:
                    widened[program.digest].add(key)
                known[key] = joined(before, facts)
    programs = [
        ProgramProfile.in_order(names[digest], digest, found) for digest, found in merged.items()
    ]
    notes = [_widened(names[digest], len(keys)) for digest, keys in widened.items()]
    return Profile(tuple(programs)), (*notes, *_builds(programs))


def _widened(name: str, count: int) -> str:
    memops = f"{count} memop{'' if count == 1 else 's'}"
    return f"{name}: {memops} shared in one profile and local in another: shared"


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
    digests = defaultdict(list)
    for program in programs:
        digests[program.name].append(f"{program.digest:#x}")
    return [
        f"{name}: {len(of)} builds, kept apart: {', '.join(of)}"
        for name, of in digests.items()
        if len(of) > 1
    ]
