"""How much order a profile's memops need, by executions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mtedbg.analysis.memops.module_names import ModuleNames
from mtedbg.dataclass import dataclass
from mtedbg.model.absent import Absent
from mtedbg.model.profile import (
    MemopFacts,
    MemopKey,
    Need,
    Profile,
    ProfileMode,
    ProgramProfile,
)
from mtedbg.model.source import SourceLine

_MOST_NAMED = 5
Recorded = tuple[MemopKey, MemopFacts]


@dataclass(frozen=True, slots=True)
class Tally:
    """Some memops, added up.

    Attributes:
        memops: how many there are.
        uncounted: of how many executions were not counted.
        executions: of all that were counted.
        owned: those executions that touched memory of one owner only.
        in_order: those of memops that need order.
        ordered: memops that need order.
        instructions: guest instructions of these.
        never_run: memops that were never executed: whether they need order is not known.
        unknown: other memops of which it is not known: either, or local and not counted.
        shared: memops that were shared at the end.
        pinned: memops that stay shared permanently.
        flips: patches.
        faults: tag check faults.
    """

    memops: int
    uncounted: int
    executions: int
    owned: int
    in_order: int
    ordered: int
    instructions: int
    never_run: int
    unknown: int
    shared: int
    pinned: int
    flips: int
    faults: int


def tally(recorded: Iterable[Recorded]) -> Tally:
    """The sum of memops of one module."""
    rows = [(key, facts, facts.need) for key, facts in recorded]

    def executions(need: Need) -> int:
        return sum(facts.executions or 0 for _, facts, its in rows if its is need)

    ordered = [key for key, _, need in rows if need is Need.ORDER]
    return Tally(
        memops=len(rows),
        uncounted=sum(facts.executions is None for _, facts, _ in rows),
        executions=sum(facts.executions or 0 for _, facts, _ in rows),
        owned=executions(Need.OWNED),
        in_order=executions(Need.ORDER),
        ordered=len(ordered),
        instructions=len({key.rip for key in ordered}),
        never_run=sum(need is Need.NEVER_RUN for _, _, need in rows),
        unknown=sum(need is Need.UNKNOWN for _, _, need in rows),
        shared=sum(facts.mode is ProfileMode.SHARED for _, facts, _ in rows),
        pinned=sum(facts.pinned for _, facts, _ in rows),
        flips=sum(facts.flips for _, facts, _ in rows),
        faults=sum(facts.faults for _, facts, _ in rows),
    )


def summary(profile: Profile) -> str:
    """One line about a profile, as `mtetso --profile-summary` says it at the end of a run."""
    tallies = [tally(program.memops.items()) for program in profile.programs]
    executions = sum(one.executions for one in tallies)
    instructions = sum(one.instructions for one in tallies)
    need = f"{instructions} instruction{' needs' if instructions == 1 else 's need'} order"
    uncounted = sum(one.uncounted for one in tallies)
    if not executions:
        what = "executions were not counted" if uncounted else "no access was executed"
        unknown = ": whether order is needed is not known"
        return f"{what}; {need}" if instructions else what + unknown
    share = sum(one.owned for one in tallies) * 1000 // executions
    at_least = "at least " if uncounted else ""
    return (
        f"of {at_least}{executions} executed accesses {share // 10}.{share % 10} % touched memory"
        f" of one owner only; {need}"
    )


@dataclass(frozen=True, slots=True)
class FunctionNeed:
    """The memops of one function.

    Attributes:
        program: name of the module's file.
        function: its name; absent where that is not known.
        line: of the access that is executed most, first among those that need order.
        tally: its memops, added up.
    """

    program: str
    function: str | Absent
    line: SourceLine | Absent
    tally: Tally


def by_function(
    profile: Profile, names: Callable[[ProgramProfile], ModuleNames]
) -> tuple[FunctionNeed, ...]:
    """The functions of all modules: those with the most executions in order first, then the others.

    Args:
        profile: what is asked about.
        names: what is known of a module's names.
    """
    found: list[FunctionNeed] = []
    for program in profile.programs:
        known = names(program)
        functions: dict[str | Absent, list[Recorded]] = {}
        for key, facts in program.memops.items():
            functions.setdefault(known.function_at(key.rip), []).append((key, facts))
        for function, recorded in functions.items():
            hottest, _ = max(recorded, key=_heat)
            line = known.line_at(hottest.rip)
            found.append(FunctionNeed(program.name, function, line, tally(recorded)))
    return tuple(sorted(found, key=_weight))


def _heat(recorded: Recorded) -> tuple[bool, int, int]:
    _, facts = recorded
    return facts.needs_order, facts.executions or 0, facts.faults


def _weight(one: FunctionNeed) -> tuple[int, int, int, str, str]:
    its = one.tally
    return -its.in_order, -its.ordered, -its.executions, one.program, str(one.function)


def where_in_order(profile: Profile, functions: Sequence[FunctionNeed]) -> str:
    """One line: how many accesses need order, and in which functions."""
    ordered = [one for one in functions if one.tally.ordered]
    named = [str(one.function) for one in ordered if not isinstance(one.function, Absent)]
    executions = sum(one.tally.executions for one in functions)
    said = ", ".join(named[:_MOST_NAMED]) + (", …" if len(named) > _MOST_NAMED else "")
    where = f": {said}" if said else ""
    if not executions:
        return summary(profile) + where
    in_order = sum(one.tally.in_order for one in functions)
    nameless = sum(one.tally.in_order for one in ordered if isinstance(one.function, Absent))
    rest = f"; {nameless} of them in functions without names" if named and nameless else ""
    return f"order is needed in {in_order} of {executions} executed accesses{where}{rest}"
