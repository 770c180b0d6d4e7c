"""From what a JIT without a debug root describes to others, to a place in code."""

from __future__ import annotations

from mtedbg.model.absent import Absent, Reason, then
from mtedbg.model.code import Outcome
from mtedbg.model.code_place import CodePlace, HeldBlock, HeldRange
from mtedbg.model.foreign_code import CodeSpan, ForeignCode


def place_of(pc: int, found: ForeignCode, kind: str, noun: str) -> CodePlace:
    """The place of `pc`.

    Args:
        pc: the address.
        found: what a source says of it.
        kind: what the source has that holds code: "ELF object".
        noun: what people call one of them: "object".
    """

    def held(span: CodeSpan) -> HeldBlock:
        return HeldBlock(found.number, kind, span.start, span.end, noun=noun)

    return CodePlace(
        pc,
        found.source,
        _outcome(found),
        then(found.block, held),
        then(found.symbol, lambda span: HeldRange("symbol", span.start, span.end, span.name)),
        then(found.symbol, lambda span: span.name),
        notes=found.notes,
    )


def _outcome(found: ForeignCode) -> Outcome:
    if isinstance(found.block, Absent):
        return _without(found.block, Outcome.NOT_JIT)
    if isinstance(found.symbol, Absent):
        return _without(found.symbol, Outcome.BLOCK_NO_RANGE)
    return Outcome.RANGE


def _without(missing: Absent, nothing: Outcome) -> Outcome:
    """What it means that a block or symbol is not there: `nothing` where none should be."""
    if not missing.is_hole:
        return nothing
    damaged = missing.reason is Reason.DAMAGED
    return Outcome.CORRUPT if damaged else Outcome.METADATA_NOT_DUMPED
