"""PC → the code block and range that hold it, or which kind of nowhere it is.

The block array and the ranges of a block are sorted, so a PC costs a few small reads however many
there are; nothing is read whole that is large.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from mtedbg.layout import Requirements, Runtime
from mtedbg.layout.memory import BULK, RecordArray, read_name
from mtedbg.layout.slots import SlotArray
from mtedbg.layout.table import Snapshot
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, present, then
from mtedbg.model.code import (
    NO_FUNCTION,
    Block,
    Function,
    Line,
    Outcome,
    Place,
    Program,
    Range,
    RangeKind,
    Segment,
)
from mtedbg.model.runtime import Buffer, Table
from mtedbg.model.source import SourceLine

NEEDS = Requirements(
    models=(Table, Buffer, Block, Range),
    contracts={"range.base": "block", "end": "exclusive", "codemap": "1"},
)

CODE_MAP = "code-map"
RETIRED = "retired"
SEGMENTS = "segments"
FUNCTIONS = "functions"
PROGRAMS = "codes"

_STALE = "the newest {} is torn: this is one generation old"


def _outcome(hole: Absent) -> Outcome:
    """What a hole in the metadata makes of a PC."""
    if hole.reason is Reason.UNSTABLE:
        return Outcome.UNSTABLE
    if hole.reason in (Reason.NOT_DUMPED, Reason.NOT_RECORDED):
        return Outcome.METADATA_NOT_DUMPED
    return Outcome.CORRUPT


def _notes(name: str, snapshot: Snapshot[Block]) -> tuple[str, ...]:
    return (_STALE.format(name),) if snapshot.stale else ()


def locate(runtime: Runtime, pc: int) -> Place:
    """Where `pc` is.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    runtime.layout.require(NEEDS)
    blocks = runtime.table(CODE_MAP, Block)
    if isinstance(blocks, Absent):
        return Place(pc, _outcome(blocks), detail=str(blocks))
    notes = _notes("code map", blocks)
    block = _holder(blocks.records, pc)
    if isinstance(block, Block):
        return _in_block(runtime, block, pc, notes)
    if block.is_hole:
        return Place(pc, _outcome(block), notes=notes, detail=str(block))
    return _elsewhere(runtime, pc, notes)


def _holder(blocks: RecordArray[Block] | SlotArray[Block], pc: int) -> Block | Absent:
    """The block that holds `pc`; does not apply where none does."""
    return blocks.holder("base", pc, lambda block: block.base <= pc < block.end)


def _in_block(runtime: Runtime, block: Block, pc: int, notes: tuple[str, ...]) -> Place:
    found = range_at(runtime, block, pc - block.base)
    if isinstance(found, Range):
        builtin = found.kind == RangeKind.BUILTIN_THUNK
        outcome = Outcome.BUILTIN_THUNK if builtin else Outcome.RANGE
        return Place(pc, outcome, block, found, notes=notes)
    if found.is_hole:
        return Place(pc, _outcome(found), block, found, notes=notes, detail=str(found))
    return Place(pc, Outcome.BLOCK_NO_RANGE, block, notes=notes)


def ranges_of(runtime: Runtime, block: Block) -> RecordArray[Range] | Absent:
    """The ranges of `block`, sorted by `begin`; checked where they are few enough to be read."""
    array = runtime.records(Range, block.ranges, block.range_count)
    if isinstance(array, Absent) or not array.count or array.size > BULK:
        return array
    data = array.bytes_of(0, array.count)
    if isinstance(data, Absent):
        return Absent(data.reason, f"the ranges of block {block.id}")
    if isinstance(block.ranges_checksum, int) and zlib.crc32(data) != block.ranges_checksum:
        return Absent(Reason.DAMAGED, f"the ranges of block {block.id}: wrong checksum")
    return RecordArray(array.target, array.reader, array.address, array.count, array.stride, data)


def range_at(runtime: Runtime, block: Block, offset: int) -> Range | Absent:
    """The range at `offset` bytes from the base of `block`; does not apply where none is."""
    ranges = ranges_of(runtime, block)
    if isinstance(ranges, Absent):
        return ranges
    index = ranges.last_not_above("begin", offset)
    if isinstance(index, Absent):
        return index
    found = ranges.get(index) if index >= 0 else NOT_APPLICABLE
    if isinstance(found, Absent):
        return found
    if found.begin > offset or found.end > block.length or found.end < found.begin:
        return Absent(Reason.DAMAGED, f"range {index} of block {block.id} is impossible")
    return found if offset < found.end else NOT_APPLICABLE


def _first_holder(blocks: Iterable[Block], pc: int) -> Block | None:
    return next((block for block in blocks if block.base <= pc < block.end), None)


def _elsewhere(runtime: Runtime, pc: int, notes: tuple[str, ...]) -> Place:
    """A PC in no live block: in a retired one, between the blocks of a segment, or not ours."""
    retired = runtime.table(RETIRED, Block, whole=True)
    if isinstance(retired, Snapshot):
        records = retired.records.all()
        # Newest last: memory may have been used again.
        block = _first_holder(reversed([*or_else(records, ())]), pc)
        if block is not None:
            found = range_at(runtime, block, pc - block.base)
            why = notes + _notes("list of retired blocks", retired)
            return Place(pc, Outcome.RETIRED, block, found, notes=why)
    for segment in or_else(runtime.rows(SEGMENTS, Segment), ()):
        if segment.base <= pc < segment.base + segment.capacity:
            return Place(pc, Outcome.SEGMENT_PADDING, segment=segment, notes=notes)
    return Place(pc, Outcome.NOT_JIT, notes=notes)


def function_name(runtime: Runtime, index: int) -> str | Absent:
    """The name of guest function `index`; does not apply to what belongs to none.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    if index == NO_FUNCTION:
        return NOT_APPLICABLE
    return then(
        _function(runtime, index), lambda found: runtime.text(found.name, found.name_length)
    )


def _function(runtime: Runtime, index: int) -> Function | Absent:
    """Guest function `index`: where a table in order has it, else wherever it is."""
    functions = runtime.table(FUNCTIONS, Function)
    if isinstance(functions, Absent):
        return functions
    if index < functions.records.count:
        function = functions.records.get(index)
        if isinstance(function, Absent) or function.index == index:
            return function
    missing = Absent(Reason.DAMAGED, f"the table of functions has no {index}")
    return then(
        functions.records.all(),
        lambda found: next((one for one in found if one.index == index), missing),
    )


def symbol_of(runtime: Runtime, found: Range) -> str | Absent:
    """The name that a range has of its own: of a stub or a thunk."""
    if isinstance(found.symbol, Absent) or isinstance(found.symbol_length, Absent):
        return NOT_APPLICABLE
    if not found.symbol_length:
        return NOT_APPLICABLE
    return runtime.text(found.symbol, found.symbol_length)


def name_of(runtime: Runtime, found: Range) -> str | Absent:
    """What a range is called: by a symbol of its own, else as its guest function is.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    own = symbol_of(runtime, found)
    return own if present(own) and own else function_name(runtime, found.function)


def line_of(runtime: Runtime, found: Range, offset: int) -> SourceLine | Absent:
    """The line of the source at `offset` bytes from a block's base; does not apply where none is.

    Raises:
        LayoutError: the runtime tells lines, and not what they are.
    """
    count, lines = or_else(found.line_count, 0), or_else(found.lines, 0)
    if not count or not lines:
        return NOT_APPLICABLE
    line = then(
        runtime.records(Line, lines, count), lambda all_: all_.last_at_most("begin", offset)
    )
    if isinstance(line, Absent):
        return line
    if not line.line:
        return NOT_APPLICABLE
    path = read_name(runtime.target, line.file, 255)
    return then(path, lambda name: SourceLine(name, line.line))


def programs_of(runtime: Runtime) -> tuple[Program, ...] | Absent:
    """The programs that there is code of.

    What has no guest addresses of its own is no program: the stubs that all of them share.

    Raises:
        LayoutError: the runtime does not tell of programs.
    """
    return then(
        runtime.rows(PROGRAMS, Program), lambda rows: tuple(one for one in rows if one.guest_end)
    )


def program_of(runtime: Runtime, block: Block) -> str | Absent:
    """The name of the program that `block` is code of; does not apply where there is only one.

    Raises:
        LayoutError: the runtime does not tell of programs.
    """
    programs = programs_of(runtime)
    if isinstance(programs, Absent):
        return programs
    found = next((one for one in programs if one.id == block.code), None)
    if found is None or len(programs) == 1:
        return NOT_APPLICABLE
    return runtime.text(found.name, found.name_length)
