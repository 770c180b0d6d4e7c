"""What is in profiles, for `mtedbg profile show`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mtedbg.analysis.memops.module_names import ModuleNames
from mtedbg.analysis.memops.need import FunctionNeed, Tally, summary, tally, where_in_order
from mtedbg.model.absent import NOT_APPLICABLE, Absent, then
from mtedbg.model.figure import OrderMap, OrderOfModule
from mtedbg.model.process import TagSource, TargetInfo, TargetKind
from mtedbg.model.profile import MemopFacts, MemopKey, Need, Profile, ProgramProfile
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Report, Row, Table

NAME = "profile"
TALLY_COLUMNS = (
    Column("memops", Kind.COUNT, "of it"),
    Column("executions", Kind.COUNT, "of all memops, as far as they were counted"),
    Column("owned", Kind.COUNT, "executions of memops that touched memory of one owner only"),
    Column("in_order", Kind.COUNT, "executions of memops that need order"),
    Column("ordered", Kind.COUNT, "memops that need order: they met memory of more than one owner"),
    Column("never_run", Kind.COUNT, "memops that never ran: their need is not known"),
    Column(
        "unknown",
        Kind.COUNT,
        "memops that ran, and their need is not known, or of which it is not known if they ran",
        shown=False,
    ),
    Column("uncounted", Kind.COUNT, "memops whose executions were not counted", shown=False),
    Column("shared", Kind.COUNT, "memops that were shared at the end", shown=False),
    Column("pinned", Kind.COUNT, "memops that stay shared permanently", shown=False),
    Column("flips", Kind.COUNT, "patches of all its memops", shown=False),
    Column("faults", Kind.COUNT, "tag check faults of all its memops"),
)
PROGRAM_COLUMNS = (
    Column("program", Kind.TEXT, "name of the program's or library's file"),
    *TALLY_COLUMNS,
    # Last: it is long, and what is asked about are the numbers.
    Column(
        "build", Kind.TEXT,
        "which build: its build id, or the digest of its code; not of code that can change",
    ),
    Column(
        "digest", Kind.RAW, "of its code: CRC-32 in the low half, length in the high one",
        shown=False,
    ),
)  # fmt: skip
FUNCTION_COLUMNS = (
    Column("program", Kind.TEXT, "name of the program's or library's file"),
    Column("function", Kind.TEXT, "the function; empty where its file does not tell"),
    Column("line", Kind.TEXT, "source of its hottest access, first among those that need order"),
    *TALLY_COLUMNS,
)
MEMOP_COLUMNS = (
    Column("program", Kind.TEXT, "name of the program's or library's file"),
    Column("function", Kind.TEXT, "the function that it is in"),
    Column("line", Kind.TEXT, "its source"),
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
    answer = Answer(Table(rows), summary(profile), (*notes, *doubts(profile)))
    return Report(NAME, _TARGET, PROGRAM_COLUMNS, answer)


def _program(program: ProgramProfile) -> Row:
    return {
        "program": program.name,
        **_tally(tally(program.memops.items())),
        "build": NOT_APPLICABLE if program.identity.changes else str(program.identity),
        "digest": program.identity.digest,
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


def functions(
    profile: Profile, found: Sequence[FunctionNeed], most: int, notes: Sequence[str] = ()
) -> Report:
    """A row for each function, those first that need the most order.

    Args:
        profile: what is shown.
        found: its functions, in order.
        most: so many rows at most.
        notes: remarks about the profile.
    """
    rows = tuple(
        {
            "program": one.program,
            "function": _or_empty(one.function),
            "line": _or_empty(then(one.line, str)),
            **_tally(one.tally),
        }
        for one in found[:most]
    )
    answer = Answer(
        Table(rows),
        where_in_order(profile, found),
        (*notes, *doubts(profile), *_cut(len(found), most)),
    )
    return Report(NAME, _TARGET, FUNCTION_COLUMNS, answer)


def where(profile: Profile, found: Sequence[FunctionNeed]) -> tuple[str, ...]:
    """A line that names functions, where there are names."""
    named = any(one.tally.ordered and not isinstance(one.function, Absent) for one in found)
    return (where_in_order(profile, found),) if named else ()


def doubts(profile: Profile) -> tuple[str, ...]:
    """What a profile cannot promise, a line each."""
    tallies = [tally(program.memops.items()) for program in profile.programs]
    memops = counted(sum(one.memops for one in tallies), "memop")
    never = sum(one.never_run for one in tallies)
    in_doubt = [
        facts
        for program in profile.programs
        for facts in program.memops.values()
        if facts.need is Need.UNKNOWN
    ]
    uncounted = sum(facts.executions is None for facts in in_doubt)
    unknown = len(in_doubt) - uncounted
    said = []
    if never:
        said.append(f"{never} of {memops} never ran: whether they need order is not known")
    if unknown:
        said.append(f"{unknown} of {memops} served both kinds of memory: their need is not known")
    if uncounted:
        said.append(
            f"executions of {uncounted} of {memops} were not counted: whether they ran is not known"
        )
    said.append("other input or another schedule may need order elsewhere")
    return tuple(said)


def _cut(number: int, most: int) -> tuple[str, ...]:
    cut = number - most
    return (f"{cut} more are not shown: -n {number} shows all",) if cut > 0 else ()


def order_map(profile: Profile) -> OrderMap:
    """The picture of a profile, by module."""
    modules = []
    for program in profile.programs:
        its = tally(program.memops.items())
        rest = its.executions - its.owned - its.in_order
        modules.append(
            OrderOfModule(program.name, its.owned, its.in_order, rest, its.never_run, its.memops)
        )
    modules.sort(key=lambda one: -(one.owned + one.in_order + one.unknown))
    return OrderMap(tuple(modules))


def memops(
    profile: Profile,
    most: int,
    notes: Sequence[str] = (),
    names: Callable[[ProgramProfile], ModuleNames] = lambda _: ModuleNames(),
) -> Report:
    """A row for each memop, those with the most faults first, then the most executions.

    Args:
        profile: what is shown.
        most: so many rows at most.
        notes: remarks about the profile.
        names: what is known of a module's names.
    """
    found = [
        (program, key, facts)
        for program in profile.programs
        for key, facts in program.memops.items()
    ]
    found.sort(key=lambda one: (-one[2].faults, -one[2].flips, -(one[2].executions or 0)))
    known = {id(program): names(program) for program in profile.programs}
    rows = tuple(_memop(*one, known[id(one[0])]) for one in found[:most])
    more = _cut(len(found), most)
    answer = Answer(Table(rows), _many(len(found), "memop"), (*notes, *more))
    return Report(NAME, _TARGET, MEMOP_COLUMNS, answer)


def _memop(program: ProgramProfile, key: MemopKey, facts: MemopFacts, names: ModuleNames) -> Row:
    return {
        "program": program.name,
        "function": _or_empty(names.function_at(key.rip)),
        "line": _or_empty(then(names.line_at(key.rip), str)),
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


def _or_empty(value: str | Absent) -> str | Absent:
    """No column is shown of what is known of no row."""
    return NOT_APPLICABLE if isinstance(value, Absent) else value


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
