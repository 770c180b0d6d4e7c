"""All code blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from mtedbg.analysis.runtimes import all_runtimes, notes_of, whose
from mtedbg.decode.code.code_map import CODE_MAP, FUNCTIONS, RETIRED, ranges_of
from mtedbg.decode.memops.journal import describe, in_flight
from mtedbg.errors import LayoutError, UsageError
from mtedbg.layout import Requirements
from mtedbg.layout.memory import read_text
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason
from mtedbg.model.code import Block, Function
from mtedbg.model.runtime import Buffer, Table
from mtedbg.report import Column, Report, Row, Value, flat

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session

NEEDS = Requirements(models=(Table, Buffer, Block), contracts={"codemap": "1"})

ROWS = 1 << 16
"""Of a report at most."""

_Test = Callable[["Runtime", Block], bool]


def blocks(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    *,
    kind: str | None = None,
    tier: str | None = None,
    function: str | None = None,
) -> Report:
    """Every block of every runtime, retired ones last.

    Args:
        session: the process.
        command: to be named in the report.
        columns: of the report.
        kind: only blocks of this kind, by the name it has in the runtime, in any case.
        tier: only blocks of this tier, likewise.
        function: only blocks with code of this guest function: its name, or its number.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
        UsageError: no runtime has such a kind, tier or function.
    """
    rows: list[Row] = []
    notes: list[str] = []
    holes: list[Absent] = []
    runtimes = all_runtimes(session)
    for runtime in runtimes:
        runtime.layout.require(NEEDS)
        notes += notes_of(runtime)
        found = _blocks(runtime, notes, holes)
        tests = [
            *_named(runtimes, "BlockKind", kind, lambda one: one.kind),
            *_named(runtimes, "Tier", tier, lambda one: one.tier),
            *_of_function(runtimes, function),
        ]
        own = [_row(one) for one in found if all(test(runtime, one) for test in tests)]
        notes += whose(runtimes, runtime, f"rows {len(rows) + 1} to {len(rows) + len(own)}") * bool(
            own
        )
        rows += own
    if len(rows) > ROWS:
        notes.append(f"{len(rows) - ROWS} more blocks are not shown")
    return flat(
        command, session.info, columns, tuple(rows[:ROWS]), tuple(notes), lacking=bool(holes)
    )


def _blocks(runtime: Runtime, notes: list[str], holes: list[Absent]) -> Iterator[Block]:
    for name in (CODE_MAP, RETIRED):
        table = runtime.table(name, Block, whole=True)
        if isinstance(table, Absent):
            notes.append(f"{name}: {table}")
            holes += [table] if table.reason is not Reason.NOT_RECORDED else []
            continue
        if table.stale:
            notes.append(f"{name}: the newest is torn, this is one generation old")
        records = table.records.all()
        if isinstance(records, Absent):
            notes.append(f"{name}: {records}")
            holes.append(records)
        else:
            yield from islice(records, ROWS + 1)
    entries = in_flight(runtime)
    if not isinstance(entries, Absent):
        notes.extend(describe(one) for one in entries if one.block)


def _named(
    runtimes: tuple[Runtime, ...],
    enum: str,
    wanted: str | None,
    of: Callable[[Block], str | Absent],
) -> list[_Test]:
    if wanted is None:
        return []
    names = {
        name for runtime in runtimes for name in runtime.layout.schema.enums.get(enum, {}).values()
    }
    match = next((name for name in names if name.lower() == wanted.lower()), None)
    if match is None:
        raise UsageError(f"no {enum} is called {wanted!r}", f"one of {', '.join(sorted(names))}")
    return [lambda _, one: of(one) == match]


def _of_function(runtimes: tuple[Runtime, ...], wanted: str | None) -> list[_Test]:
    if wanted is None:
        return []
    numbers = {runtime.address: _numbers(runtime, wanted) for runtime in runtimes}
    if not any(numbers.values()):
        raise UsageError(f"no guest function is called {wanted!r}", "give its name or its number")

    def test(runtime: Runtime, one: Block) -> bool:
        ranges = ranges_of(runtime, one)
        records = ranges if isinstance(ranges, Absent) else ranges.all()
        if isinstance(records, Absent):
            return False
        return any(found.function in numbers[runtime.address] for found in records)

    return [test]


def _numbers(runtime: Runtime, wanted: str) -> set[int]:
    """The functions that `wanted` names."""
    functions = runtime.table(FUNCTIONS, Function, whole=True)
    records = functions if isinstance(functions, Absent) else functions.records.all()
    if isinstance(records, Absent):
        raise LayoutError(f"the guest's functions cannot be read: {records}")
    return {
        one.index
        for one in records
        if wanted == str(one.index)
        or wanted == read_text(runtime.target, one.name, one.name_length)
    }


def _row(one: Block) -> dict[str, Value]:
    return {
        "id": one.id,
        "kind": one.kind,
        "tier": NOT_APPLICABLE if one.tier == "None" else one.tier,
        "base": one.base,
        "size": one.length,
        "segment": one.segment,
        "state": one.state,
        "ranges": one.range_count,
        "supersedes": _other(one.supersedes),
        "superseded_by": _other(one.superseded_by),
    }


def _other(number: int | Absent) -> int | Absent:
    """The id of another block; none has the id 0."""
    return number or Absent(Reason.NOT_APPLICABLE)
