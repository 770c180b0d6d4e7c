"""Profiles of several runs → one, and what is in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mtedbg.errors import FileFormatError
from mtedbg.formats.profile import joined
from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.model.profile import SHARED, MemopFacts, MemopKey, Profile, ProgramProfile
from mtedbg.report import Column, Kind, Report, Row, flat

Named = tuple[str, Profile]
"""A profile and the name of its file."""

PROGRAM_COLUMNS = (
    Column("program", Kind.TEXT, "name of the program's file"),
    Column("digest", Kind.RAW, "of its code: CRC-32 in the low half, length in the high one"),
    Column("memops", Kind.COUNT, "of the program"),
    Column("shared", Kind.COUNT, "those that were shared in the end"),
    Column("ordered", Kind.COUNT, "those that ever met memory that was not their core's alone"),
    Column("pinned", Kind.COUNT, "those that are to stay shared"),
    Column("flips", Kind.COUNT, "patches of all of them"),
    Column("faults", Kind.COUNT, "tag check faults of all of them"),
)
MEMOP_COLUMNS = (
    Column("program", Kind.TEXT, "name of the program's file"),
    Column("rip", Kind.ADDRESS, "its guest instruction"),
    Column("ordinal", Kind.COUNT, "its place among that instruction's accesses, from 0"),
    Column("access", Kind.TEXT, "load, store or rmw"),
    Column("size", Kind.SIZE, "bytes accessed"),
    Column("mode", Kind.TEXT, "local or shared: the last one"),
    Column("flips", Kind.COUNT, "patches"),
    Column("faults", Kind.COUNT, "tag check faults"),
    Column("pinned", Kind.FLAG, "whether it is to stay shared"),
)
_TARGET = TargetInfo(TargetKind.PROFILE, TagSource.NONE, NOT_APPLICABLE)


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
    notes = [
        f"{names[digest]}: {_many(len(keys), 'memop')} shared in one profile and local in another:"
        " shared"
        for digest, keys in widened.items()
    ]
    return Profile(tuple(programs)), (*notes, *_builds(programs))


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


def show_programs(profile: Profile, notes: Sequence[str] = ()) -> Report:
    """A row for each program."""
    rows: tuple[Row, ...] = tuple(
        {
            "program": program.name,
            "digest": program.digest,
            "memops": len(program.memops),
            "shared": sum(one.mode == SHARED for one in program.memops.values()),
            "ordered": sum(one.needs_order for one in program.memops.values()),
            "pinned": sum(one.pinned for one in program.memops.values()),
            "flips": sum(one.flips for one in program.memops.values()),
            "faults": sum(one.faults for one in program.memops.values()),
        }
        for program in profile.programs
    )
    headline = _many(len(rows), "program")
    return flat(
        "profile", _TARGET, PROGRAM_COLUMNS, rows, tuple(notes), headline=headline, listing=True
    )


def show_memops(profile: Profile, most: int, notes: Sequence[str] = ()) -> Report:
    """A row for each memop, those with the most faults first.

    Args:
        profile: what is shown.
        most: so many rows at most.
        notes: to be said beside.
    """
    found = [
        (program, key, facts)
        for program in profile.programs
        for key, facts in program.memops.items()
    ]
    found.sort(key=lambda one: (-one[2].faults, -one[2].flips))
    rows: tuple[Row, ...] = tuple(
        {
            "program": program.name,
            "rip": key.rip,
            "ordinal": key.ordinal,
            "access": facts.access,
            "size": facts.size,
            "mode": facts.mode,
            "flips": facts.flips,
            "faults": facts.faults,
            "pinned": facts.pinned,
        }
        for program, key, facts in found[:most]
    )
    cut = len(found) - len(rows)
    more = (f"{cut} more are not shown: -n {len(found)} shows all",) * bool(cut)
    return flat(
        "profile", _TARGET, MEMOP_COLUMNS, rows, (*notes, *more),
        headline=_many(len(found), "memop"), listing=True,
    )  # fmt: skip


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
