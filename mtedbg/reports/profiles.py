"""What is in profiles, for `mtedbg profile show`."""

from __future__ import annotations

from collections.abc import Sequence

from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.model.profile import MemopFacts, MemopKey, Profile, ProfileMode, ProgramProfile
from mtedbg.report import Answer, Column, Kind, Report, Row, Table

NAME = "profile"
PROGRAM_COLUMNS = (
    Column("program", Kind.TEXT, "name of the program's file"),
    Column("digest", Kind.RAW, "of its code: CRC-32 in the low half, length in the high one"),
    Column("memops", Kind.COUNT, "of the program"),
    Column("shared", Kind.COUNT, "memops that were shared at the end"),
    Column("ordered", Kind.COUNT, "memops that ever accessed memory not local to their core"),
    Column("pinned", Kind.COUNT, "memops that stay shared permanently"),
    Column("flips", Kind.COUNT, "patches of all its memops"),
    Column("faults", Kind.COUNT, "tag check faults of all its memops"),
)
MEMOP_COLUMNS = (
    Column("program", Kind.TEXT, "name of the program's file"),
    Column("rip", Kind.ADDRESS, "its guest instruction"),
    Column("ordinal", Kind.COUNT, "its place among that instruction's accesses, from 0"),
    Column("access", Kind.TEXT, "load, store or rmw"),
    Column("size", Kind.SIZE, "bytes accessed"),
    Column("mode", Kind.TEXT, "local, shared or either: the last one"),
    Column("flips", Kind.COUNT, "patches"),
    Column("faults", Kind.COUNT, "tag check faults"),
    Column("pinned", Kind.FLAG, "whether it stays shared permanently"),
)
_TARGET = TargetInfo(TargetKind.PROFILE, TagSource.NONE, NOT_APPLICABLE)


def programs(profile: Profile, notes: Sequence[str] = ()) -> Report:
    """A row for each program."""
    rows = tuple(map(_program, profile.programs))
    answer = Answer(Table(rows), _many(len(rows), "program"), tuple(notes))
    return Report(NAME, _TARGET, PROGRAM_COLUMNS, answer)


def _program(program: ProgramProfile) -> Row:
    memops = program.memops.values()
    return {
        "program": program.name,
        "digest": program.digest,
        "memops": len(memops),
        "shared": sum(one.mode is ProfileMode.SHARED for one in memops),
        "ordered": sum(one.needs_order for one in memops),
        "pinned": sum(one.pinned for one in memops),
        "flips": sum(one.flips for one in memops),
        "faults": sum(one.faults for one in memops),
    }


def memops(profile: Profile, most: int, notes: Sequence[str] = ()) -> Report:
    """A row for each memop, those with the most faults first.

    Args:
        profile: what is shown.
        most: so many rows at most.
        notes: remarks about the profile.
    """
    found = [
        (program, key, facts)
        for program in profile.programs
        for key, facts in program.memops.items()
    ]
    found.sort(key=lambda one: (-one[2].faults, -one[2].flips))
    cut = len(found) - most
    more = (f"{cut} more are not shown: -n {len(found)} shows all",) if cut > 0 else ()
    rows = tuple(_memop(*one) for one in found[:most])
    answer = Answer(Table(rows), _many(len(found), "memop"), (*notes, *more))
    return Report(NAME, _TARGET, MEMOP_COLUMNS, answer)


def _memop(program: ProgramProfile, key: MemopKey, facts: MemopFacts) -> Row:
    return {
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


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
