"""What is in profiles, for `mtedbg profile show`."""

from __future__ import annotations

from collections.abc import Sequence

from mtedbg.analysis.memops.need import Tally, summary, tally
from mtedbg.model.absent import NOT_APPLICABLE
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.model.profile import MemopFacts, MemopKey, Profile, ProgramProfile
from mtedbg.report import Answer, Column, Kind, Report, Row, Table

NAME = "profile"
TALLY_COLUMNS = (
    Column("memops", Kind.COUNT, "of it"),
    Column("executions", Kind.COUNT, "of all memops, as far as they were counted"),
    Column("owned", Kind.COUNT, "executions of memops that touched memory of one owner only"),
    Column("in_order", Kind.COUNT, "executions of memops that need order"),
    Column("ordered", Kind.COUNT, "memops that need order: they met memory of more than one owner"),
    Column("never_run", Kind.COUNT, "memops that never ran: their need is not known"),
    Column("unknown", Kind.COUNT, "memops that ran, and their need is not known", shown=False),
    Column("uncounted", Kind.COUNT, "memops whose executions were not counted", shown=False),
    Column("shared", Kind.COUNT, "memops that were shared at the end", shown=False),
    Column("pinned", Kind.COUNT, "memops that stay shared permanently", shown=False),
    Column("flips", Kind.COUNT, "patches of all its memops", shown=False),
    Column("faults", Kind.COUNT, "tag check faults of all its memops"),
)
PROGRAM_COLUMNS = (
    Column("program", Kind.TEXT, "name of the program's or library's file"),
    Column("build", Kind.TEXT, "which build: its build id, or the digest of its code"),
    Column(
        "digest", Kind.RAW, "of its code: CRC-32 in the low half, length in the high one",
        shown=False,
    ),
    *TALLY_COLUMNS,
)  # fmt: skip
MEMOP_COLUMNS = (
    Column("program", Kind.TEXT, "name of the program's or library's file"),
    Column("rip", Kind.ADDRESS, "its guest instruction, as in the program's file"),
    Column("ordinal", Kind.COUNT, "its place among that instruction's accesses, from 0"),
    Column("access", Kind.TEXT, "load, store or rmw"),
    Column("size", Kind.SIZE, "bytes accessed"),
    Column("mode", Kind.TEXT, "local, shared or either: the last one"),
    Column("executions", Kind.COUNT, "how often control came to it"),
    Column("need", Kind.TEXT, "order, owned, unknown, or never run"),
    Column("flips", Kind.COUNT, "patches"),
    Column("faults", Kind.COUNT, "tag check faults"),
    Column("pinned", Kind.FLAG, "whether it stays shared permanently"),
)
_NOT_COUNTED = NOT_APPLICABLE
_TARGET = TargetInfo(TargetKind.PROFILE, TagSource.NONE, NOT_APPLICABLE)


def programs(profile: Profile, notes: Sequence[str] = ()) -> Report:
    """A row for each program."""
    rows = tuple(map(_program, profile.programs))
    answer = Answer(Table(rows), summary(profile), tuple(notes))
    return Report(NAME, _TARGET, PROGRAM_COLUMNS, answer)


def _program(program: ProgramProfile) -> Row:
    return {
        "program": program.name,
        "build": str(program.identity),
        "digest": program.identity.digest,
        **_tally(tally(program.memops.items())),
    }


def _tally(of: Tally) -> Row:
    counted = of.uncounted < of.memops or not of.memops
    return {
        "memops": of.memops,
        "executions": of.executions if counted else _NOT_COUNTED,
        "owned": of.owned if counted else _NOT_COUNTED,
        "in_order": of.in_order if counted else _NOT_COUNTED,
        "ordered": of.ordered,
        "never_run": of.never_run if counted else _NOT_COUNTED,
        "unknown": of.unknown,
        "uncounted": of.uncounted,
        "shared": of.shared,
        "pinned": of.pinned,
        "flips": of.flips,
        "faults": of.faults,
    }


def memops(profile: Profile, most: int, notes: Sequence[str] = ()) -> Report:
    """A row for each memop, those with the most faults first, then the most executions.

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
    found.sort(key=lambda one: (-one[2].faults, -one[2].flips, -(one[2].executions or 0)))
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
        "executions": _NOT_COUNTED if facts.executions is None else facts.executions,
        "need": facts.need,
        "flips": facts.flips,
        "faults": facts.faults,
        "pinned": facts.pinned,
    }


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
