"""The code blocks of a process, all or some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from mtedbg.analysis.code.tables import Listed, listed
from mtedbg.analysis.runtimes import all_runtimes
from mtedbg.dataclass import dataclass, field, replace
from mtedbg.decode.code.code_map import CODE_MAP, FUNCTIONS, RETIRED, programs_of, ranges_of
from mtedbg.decode.memops.journal import in_flight
from mtedbg.errors import LayoutError, UsageError
from mtedbg.layout import Requirements, Runtime
from mtedbg.model.absent import Absent, or_else, then
from mtedbg.model.code import Block, Function
from mtedbg.model.runtime import Buffer, Journal, Table

if TYPE_CHECKING:
    from mtedbg.session import Session

NEEDS = Requirements(models=(Table, Buffer, Block), contracts={"codemap": "1"})

_Test = Callable[[Runtime, Block], bool]


@dataclass(frozen=True, slots=True)
class RuntimeBlocks:
    """The code blocks of one runtime.

    Attributes:
        runtime: whose they are.
        tables: the code map and the retired blocks, with those that were asked for.
        changes: insertions and removals in flight.
        programs: names of the guest's programs and libraries by `Block.code`; none where the
            runtime tells of one at most.
    """

    runtime: Runtime
    tables: tuple[Listed[Block], ...]
    changes: tuple[Journal, ...] = ()
    programs: Mapping[int, str] = field(default_factory=dict)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, retired ones last."""
        return tuple(block for table in self.tables for block in or_else(table.rows, ()))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which blocks are asked for; None for any.

    Attributes:
        kind: of this kind, by the name it has in the runtime, in any case.
        tier: of this tier, in the same way.
        function: with code of this guest function: its name, or its number.
        program: of this program or library of the guest's, by its name.
    """

    kind: str | None = None
    tier: str | None = None
    function: str | None = None
    program: str | None = None


def blocks(session: Session, wanted: Wanted | None = None) -> tuple[RuntimeBlocks, ...]:
    """The blocks of every runtime.

    Args:
        session: the process.
        wanted: which of them; all where None.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
        UsageError: no runtime has such a kind, tier or function.
    """
    runtimes = all_runtimes(session)
    for runtime in runtimes:
        runtime.layout.require(NEEDS)
    tests = [] if wanted is None else list(_tests(runtimes, wanted))
    return tuple(_blocks(runtime, tests) for runtime in runtimes)


def _blocks(runtime: Runtime, tests: list[_Test]) -> RuntimeBlocks:
    def fits(one: Block) -> bool:
        return all(test(runtime, one) for test in tests)

    tables = tuple(
        replace(table, rows=then(table.rows, lambda rows: tuple(filter(fits, rows))))
        for table in (listed(runtime, name, Block) for name in (CODE_MAP, RETIRED))
    )
    changes = or_else(in_flight(runtime), ())
    programs = _programs(runtime)
    return RuntimeBlocks(
        runtime,
        tables,
        tuple(one for one in changes if one.block),
        programs if len(programs) > 1 else {},
    )


def _programs(runtime: Runtime) -> Mapping[int, str]:
    """The names of the guest's programs by their ids; none where the runtime does not tell."""
    try:
        found = or_else(programs_of(runtime), ())
    except LayoutError:
        return {}
    return {one.id: runtime.text_if_any(one.name, one.name_length) for one in found}


def _tests(runtimes: tuple[Runtime, ...], wanted: Wanted) -> Iterator[_Test]:
    if wanted.kind is not None:
        kind = _named(runtimes, "BlockKind", wanted.kind)
        yield lambda _, one: one.kind == kind
    if wanted.tier is not None:
        tier = _named(runtimes, "Tier", wanted.tier)
        yield lambda _, one: one.tier == tier
    if wanted.function is not None:
        yield _of_function(runtimes, wanted.function)
    if wanted.program is not None:
        yield _of_program(runtimes, wanted.program)


def _of_program(runtimes: tuple[Runtime, ...], wanted: str) -> _Test:
    programs = {runtime.address: _programs(runtime) for runtime in runtimes}
    names = sorted({name for known in programs.values() for name in known.values() if name})
    if wanted not in names:
        raise UsageError(f"no program is called {wanted!r}", f"one of {', '.join(names)}")
    return lambda runtime, one: programs[runtime.address].get(or_else(one.code, 0)) == wanted


def _named(runtimes: tuple[Runtime, ...], enum: str, wanted: str) -> str:
    """The name that some runtime has for `wanted`."""
    names = {name for runtime in runtimes for name in runtime.values(enum).values()}
    match = next((name for name in names if name.lower() == wanted.lower()), None)
    if match is None:
        raise UsageError(f"no {enum} is called {wanted!r}", f"one of {', '.join(sorted(names))}")
    return match


def _of_function(runtimes: tuple[Runtime, ...], wanted: str) -> _Test:
    numbers = {runtime.address: _numbers(runtime, wanted) for runtime in runtimes}
    if not any(numbers.values()):
        raise UsageError(f"no guest function is called {wanted!r}", "give its name or its number")

    def test(runtime: Runtime, one: Block) -> bool:
        ranges = then(ranges_of(runtime, one), lambda array: array.all())
        return any(found.function in numbers[runtime.address] for found in or_else(ranges, ()))

    return test


def _numbers(runtime: Runtime, wanted: str) -> set[int]:
    """The functions that `wanted` names."""
    records = runtime.rows(FUNCTIONS, Function)
    if isinstance(records, Absent):
        raise LayoutError(f"the guest's functions cannot be read: {records}")
    return {
        one.index
        for one in records
        if wanted in (str(one.index), runtime.text(one.name, one.name_length))
    }
