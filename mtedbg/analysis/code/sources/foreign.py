"""From what a JIT without a debug root describes to others, to a place in code."""

from __future__ import annotations

from mtedbg.decode.demangle import demangled
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, then
from mtedbg.model.code import Outcome
from mtedbg.model.code_place import CodePlace, HeldBlock, HeldRange
from mtedbg.model.foreign_code import CodeSpan, ForeignCode

_HOLES = {
    Reason.DAMAGED: Outcome.CORRUPT,
    Reason.UNSTABLE: Outcome.UNSTABLE,
    Reason.UNKNOWN_VERSION: Outcome.UNKNOWN_VERSION,
    Reason.UNKNOWN: Outcome.CANNOT_TELL,
}


def place_of(pc: int, found: ForeignCode, kind: str = "code", noun: str = "block") -> CodePlace:
    """The place of `pc`.

    Args:
        pc: the address.
        found: what a source says of it.
        kind: what the source has that holds code, where it does not say itself: "ELF object".
        noun: what people call one of them, where it does not say: "object".
    """

    def held(span: CodeSpan) -> HeldBlock:
        return HeldBlock(
            found.number,
            found.kind or kind,
            span.start,
            span.end,
            found.tier,
            found.state,
            noun=found.noun or noun,
        )

    return CodePlace(
        pc,
        found.source,
        _outcome(found),
        then(found.block, held),
        then(found.symbol, lambda span: HeldRange("symbol", span.start, span.end, span.name)),
        _function(found),
        guest_rip=found.guest_rip,
        detail=found.block.detail if isinstance(found.block, Absent) else "",
        notes=found.notes,
        line=found.line,
        version=found.version,
    )


def _function(found: ForeignCode) -> str | Absent:
    if found.function != NOT_APPLICABLE:
        return found.function
    return then(found.symbol, lambda span: demangled(span.name))


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
    return _HOLES.get(missing.reason, Outcome.METADATA_NOT_DUMPED)
