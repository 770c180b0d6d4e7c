"""`jit-blocks`: all code blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.commands import Arguments, Command, Option
from mtedbg.report import Column, Kind, Report

if TYPE_CHECKING:
    from mtedbg.session import Session


def _run(session: Session, arguments: Arguments) -> Report:
    from mtedbg.analysis.code.blocks import blocks

    return blocks(
        session,
        COMMAND.name,
        COMMAND.columns,
        kind=arguments.kind,
        tier=arguments.tier,
        function=arguments.function,
    )


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
    ),
    run=_run,
    options=(
        Option("--kind", "only blocks of this kind", "KIND", offers="BLOCK_KIND"),
        Option("--tier", "only blocks of this tier", "TIER", offers="TIER"),
        Option(
            "--function",
            "only blocks with code of this guest function",
            "NAME|NUMBER",
            offers="FUNCTION",
        ),
    ),
    example="jit-blocks --kind BaselineTier",
)
