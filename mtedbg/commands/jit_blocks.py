"""`jit-blocks`: all code blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.dataclass import replace
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, then
from mtedbg.model.completion import Completable
from mtedbg.model.foreign_code import CodeSource, ForeignCode, ForeignCodes
from mtedbg.model.words import counted
from mtedbg.report import Answer, Column, Kind, Row, record_or_table, rows_of

if TYPE_CHECKING:
    from mtedbg.analysis.code.blocks import RuntimeBlocks
    from mtedbg.model.code import Block
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Answer:
    from mtedbg.analysis.code.blocks import Wanted, blocks
    from mtedbg.analysis.code.foreign_blocks import foreign_blocks

    wanted = Wanted(arguments.kind, arguments.tier, arguments.function, arguments.program)
    foreign = foreign_blocks(session, wanted) if wanted.program is None else ()
    none_described = foreign and isinstance(session.runtimes, Absent)
    found = answer(() if none_described else blocks(session, wanted), foreign)
    return replace(found, headline="" if rows_of(found.body) else "no code block fits")


def answer(found: Sequence[RuntimeBlocks], foreign: Sequence[ForeignCodes] = ()) -> Answer:
    """A row for each block of all runtimes.

    Args:
        found: the blocks of runtimes with a debug root.
        foreign: the code of JITs without one.
    """
    from mtedbg.analysis.code.tables import MOST
    from mtedbg.analysis.runtimes import whose

    rows: list[Row] = []
    notes: list[str] = []
    for one in found:
        own = [_row(block, one.programs) for block in one.blocks]
        notes += _notes(one)
        if own and len(found) > 1:
            notes.append(whose(one.runtime, f"rows {len(rows) + 1} to {len(rows) + len(own)}"))
        rows += own
    for listed in foreign:
        rows += map(_row_of_foreign, listed.codes)
        notes += _notes_of_foreign(listed)
    if len(rows) > MOST:
        notes.append(f"{counted(len(rows) - MOST, 'more block')} not shown")
    incomplete = any(map(_lacks_blocks, found)) or any(one.cut for one in foreign)
    return Answer(record_or_table(rows[:MOST]), notes=tuple(notes), incomplete=incomplete)


def _row(one: Block, programs: Mapping[int, str]) -> Row:
    return {
        "id": one.id,
        "kind": one.kind,
        "tier": one.tier if one.has_tier else NOT_APPLICABLE,
        "base": one.base,
        "size": one.length,
        "segment": one.segment,
        "state": one.state,
        "ranges": one.range_count,
        "supersedes": one.supersedes or NOT_APPLICABLE,
        "superseded_by": one.superseded_by or NOT_APPLICABLE,
        "source": CodeSource.DEBUG_ROOT.value,
        "function": NOT_APPLICABLE,
        "guest_rip": NOT_APPLICABLE,
        "line": NOT_APPLICABLE,
        "program": programs.get(or_else(one.code, 0)) or NOT_APPLICABLE,
    }


def _row_of_foreign(one: ForeignCode) -> Row:
    named = then(one.symbol, lambda symbol: symbol.name or NOT_APPLICABLE)
    return {
        "id": one.number,
        "kind": one.kind,
        "tier": one.tier,
        "base": then(one.block, lambda span: span.start),
        "size": then(one.block, lambda span: span.end - span.start),
        "segment": NOT_APPLICABLE,
        "state": one.state,
        "ranges": NOT_APPLICABLE,
        "supersedes": NOT_APPLICABLE,
        "superseded_by": NOT_APPLICABLE,
        "source": one.source.value,
        "function": named if one.function == NOT_APPLICABLE else one.function,
        "guest_rip": one.guest_rip,
        "line": then(one.line, str),
        "program": NOT_APPLICABLE,
    }


def _notes_of_foreign(listed: ForeignCodes) -> Iterator[str]:
    whose = listed.version or listed.source.value
    yield from (f"{whose}: {note}" for note in listed.notes)
    if listed.cut:
        yield f"{whose}: not whole: {listed.cut}"


def _lacks_blocks(found: RuntimeBlocks) -> bool:
    """Whether a table cannot be read that the runtime keeps."""
    missing = [table.rows for table in found.tables if isinstance(table.rows, Absent)]
    return any(one.reason is not Reason.NOT_RECORDED for one in missing)


def _notes(found: RuntimeBlocks) -> Iterator[str]:
    from mtedbg.analysis.runtimes import notes_of
    from mtedbg.decode.memops.journal import describe

    yield from notes_of(found.runtime)
    for table in found.tables:
        if table.stale:
            yield f"{table.name}: the newest is torn, this is one generation old"
        if table.damage:
            yield f"{table.name}: damaged, and not listed: {table.damage}"
        if isinstance(table.rows, Absent):
            yield f"{table.name}: {table.rows}"
    yield from map(describe, found.changes)


COMMAND = Command(
    name="jit-blocks",
    summary="All code blocks, retired ones last.",
    columns=(
        Column("id", Kind.COUNT, "the block's number"),
        Column("kind", Kind.TEXT, "SharedStubs, BaselineTier, OptimizedTier, LazyStubs"),
        Column("tier", Kind.TEXT, "the tier of its code"),
        Column("base", Kind.ADDRESS, "its first address"),
        Column("size", Kind.SIZE, "bytes of code"),
        Column("segment", Kind.COUNT, "the segment that it was placed in"),
        Column("state", Kind.TEXT, "Building, Published, Retired, Unmapped"),
        Column("ranges", Kind.COUNT, "how many ranges it has"),
        Column("supersedes", Kind.COUNT, "the block that it replaced"),
        Column("superseded_by", Kind.COUNT, "the block that replaced it"),
        Column("source", Kind.TEXT, "who knows it, as for `jit-block`"),
        Column("function", Kind.TEXT, "of a JIT without a debug root: its function or name"),
        Column("guest_rip", Kind.ADDRESS, "of a translator without one: where its guest code is"),
        Column("line", Kind.TEXT, "file and line that it begins with"),
        Column("program", Kind.TEXT, "of several programs and libraries of a guest's, which"),
    ),
    run=_run,
    options=(
        Option("--kind", "only blocks of this kind", "KIND", completes=Completable.BLOCK_KIND),
        Option("--tier", "only blocks of this tier", "TIER", completes=Completable.TIER),
        Option(
            "--function",
            "only blocks with code of this guest function",
            "NAME|NUMBER",
            completes=Completable.FUNCTION,
        ),
        Option("--program", "only blocks of this program or library of the guest's", "NAME"),
    ),
    example="jit-blocks --kind BaselineTier",
)
