"""What a JIT with a debug root does not tell, and what its users do without because of it.

Nothing here is to be mended where there is nothing to tell: who does not inline has no frames of
inlined functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from mtedbg.decode.code.code_map import RETIRED, ranges_of
from mtedbg.decode.code.details import details_of
from mtedbg.errors import LayoutError
from mtedbg.model.absent import Absent, or_else
from mtedbg.model.code import Block, Range, RangeKind

if TYPE_CHECKING:
    from mtedbg.layout import Runtime

_RANGES = 256
"""Ranges of one block that are looked at."""


class Untold(NamedTuple):
    """One optional thing that is not told.

    Attributes:
        what: which, one line.
        then: what a user does not have because of it.
    """

    what: str
    then: str


def untold(runtime: Runtime, blocks: list[Block]) -> list[Untold]:
    """The optional things that none of `blocks`, or few of their functions, tell.

    Args:
        runtime: whose they are.
        blocks: some of its code map.
    """
    if not blocks:
        return []
    retired = islice(_retired(runtime), len(blocks))
    told = set[str]()
    for block in [*blocks, *retired]:
        told |= _details(runtime, block)
    found = [_lines(runtime, blocks)]
    for key, what, then in (
        (
            "inlines",
            "no block tells what was inlined into it (Details.inlines)",
            "code of an inlined function has the name of the outer one alone, in bt and jit-block",
        ),
        (
            "patches",
            "no block tells which places are patched (Details.patches)",
            "jit-block and jit-disas cannot say of rewritten code which site it is, or how often",
        ),
        (
            "owner",
            "no block tells whose code it is (Details.owner)",
            "jit-block cannot say which module, script or tenant a PC belongs to",
        ),
        (
            "moved",
            "no block tells that it was moved (Details.moved_from, moved_to)",
            "a PC in the place that code has left does not lead to where it is now",
        ),
    ):
        found.append(None if key in told else Untold(what, then))
    if RETIRED not in runtime.named:
        what = f"there is no list of blocks that were thrown away ({RETIRED})"
        found.append(Untold(what, "a PC in such code is answered as in no JIT's code"))
    return [one for one in found if one is not None]


def _retired(runtime: Runtime) -> Iterator[Block]:
    return or_else(runtime.rows(RETIRED, Block), iter(())) if RETIRED in runtime.named else iter(())


def _details(runtime: Runtime, block: Block) -> set[str]:
    try:
        one = details_of(runtime, block)
    except LayoutError:  # its schema has none
        return set()
    if isinstance(one, Absent):
        return set()
    told = {
        "inlines": one.inline_count,
        "patches": one.patch_count,
        "owner": one.owner_length,
        "moved": one.moved_from or one.moved_to,
    }
    return {key for key, value in told.items() if value}


def _lines(runtime: Runtime, blocks: list[Block]) -> Untold | None:
    functions = without = 0
    for block in blocks:
        ranges = ranges_of(runtime, block)
        rows = () if isinstance(ranges, Absent) else or_else(ranges.all(), ())
        for one in islice(rows, _RANGES):
            functions += one.kind == RangeKind.FUNCTION
            without += one.kind == RangeKind.FUNCTION and not _has_lines(one)
    if not without:
        return None
    what = f"{without} of {functions} functions have no lines of the source (Range.lines)"
    return Untold(what, "bt, jit-block and jit-disas have no file and line there")


def _has_lines(one: Range) -> bool:
    return bool(or_else(one.line_count, 0) and or_else(one.lines, 0))
