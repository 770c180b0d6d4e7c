"""Translated code beside the guest instructions that it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtedbg.analysis.interrupted import place_of_death
from mtedbg.analysis.runtimes import all_runtimes, current_pc, notes_of, place_of, whose
from mtedbg.decode.code.code_map import CODE_MAP, RETIRED, function_name, ranges_of, symbol_of
from mtedbg.decode.code.code_map import NEEDS as CODEMAP_NEEDS
from mtedbg.decode.code.disassembly import CodeLine, disassemble
from mtedbg.decode.code.guest_instruction import guest_instruction
from mtedbg.decode.code.instruction import WORD_SIZE
from mtedbg.decode.memops.memop import NEEDS, memops_of
from mtedbg.errors import LayoutError
from mtedbg.model.absent import NOT_APPLICABLE, Absent
from mtedbg.model.code import Block, Range
from mtedbg.model.memop import Memop
from mtedbg.report import Column, Line, Report, Row, Span, flat

if TYPE_CHECKING:
    from mtedbg.layout import Runtime
    from mtedbg.session import Session
    from mtedbg.target import Target

BEFORE, AFTER = 12, 20
"""Instructions around a PC."""
OF_BLOCK = 256
"""Instructions of a block where no number is given."""
MOST = 1 << 14
_MOST_THREADS = 1 << 12
_WIDTH = 30
_HERE = "=>"


@dataclass(frozen=True, slots=True)
class _Extent:
    """What to show: instructions of one block."""

    runtime: Runtime
    block: Block
    start: int
    count: int
    notes: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        return self.start + self.count * WORD_SIZE


def jit_code(
    session: Session,
    command: str,
    columns: tuple[Column, ...],
    which: int | None,
    *,
    count: int | None = None,
) -> Report:
    """The instructions around a PC, or of a block.

    Args:
        session: the process.
        command: to be named in the report.
        columns: of the report.
        which: a PC in translated code, or where it is none the id of a block; the thread's own PC
            where None.
        count: instructions from the PC, or from the block's beginning on.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    address = current_pc(session, session.thread()) if which is None else session.strip(which)
    if isinstance(address, Absent):
        return flat(command, session.info, columns, headline=f"the PC is not known: {address}")
    found = _extent(session, address, None if count is None else max(1, min(count, MOST)))
    if isinstance(found, str):
        return flat(command, session.info, columns, headline=found, notes=("see `jit-blocks`",))
    target = found.runtime.target
    lines = disassemble(target, found.start, found.count)
    memops, ranges = _memops(found), _ranges(found)
    marks = _marks(session, found, memops)
    rows: list[Row] = []
    drawn: list[Line] = []
    for line in lines:
        words = marks.get(line.address, [])
        rows.append(_row(line, memops, ranges, words))
        if line.address in ranges:
            label = _label(found.runtime, ranges[line.address])
            drawn.append((Span(f"   {label}:", "heading"),))
        drawn.append(_draw(target, rows[-1], line, words))
    notes = [*notes_of(found.runtime), *found.notes]
    notes += whose(all_runtimes(session), found.runtime, f"block {found.block.id}")
    if found.end < found.block.end:
        notes.append(f"the block goes on: `{command} {found.end:#x} -n {found.count}`")
    headline = f"block {found.block.id} ({found.block.kind}) from {found.start:#x} on"
    return flat(command, session.info, columns, tuple(rows), tuple(notes), tuple(drawn), headline)


def _extent(session: Session, at: int, count: int | None) -> _Extent | str:
    """What to show; a sentence where there is nothing."""
    for runtime in all_runtimes(session):
        runtime.layout.require(NEEDS | CODEMAP_NEEDS)
    runtime, place = place_of(session, at)
    if isinstance(place.block, Block):
        pc = at - (at - place.block.base) % WORD_SIZE
        if count is not None:
            return _clipped(runtime, place.block, pc, count, place.notes)
        start = max(pc - BEFORE * WORD_SIZE, place.block.base)
        shown = (pc - start) // WORD_SIZE + 1 + AFTER
        return _clipped(runtime, place.block, start, shown, place.notes)
    for runtime in all_runtimes(session):
        block = _block_with_id(runtime, at)
        if block is not None:
            return _clipped(runtime, block, block.base, count or OF_BLOCK, ())
    why = place.detail or f"not in translated code ({place.outcome.value}), and no block's id"
    return f"{at:#x}: {why}"


def _clipped(
    runtime: Runtime, block: Block, start: int, count: int, notes: tuple[str, ...]
) -> _Extent:
    inside = max((block.end - start) // WORD_SIZE, 0)
    return _Extent(runtime, block, start, min(count, inside, MOST), notes)


def _block_with_id(runtime: Runtime, number: int) -> Block | None:
    for name in (CODE_MAP, RETIRED):
        table = runtime.table(name, Block, whole=True)
        records = table if isinstance(table, Absent) else table.records.all()
        for block in () if isinstance(records, Absent) else records:
            if block.id == number:
                return block
    return None


def _memops(shown: _Extent) -> dict[int, tuple[Memop, int]]:
    """The memops in what is shown: by the address of an instruction, with its part, 1 or 2."""
    array = memops_of(shown.runtime, shown.block)
    if isinstance(array, Absent):
        return {}
    first = array.last_not_above("address", shown.start - 1)
    found: dict[int, tuple[Memop, int]] = {}
    if isinstance(first, Absent):
        return found
    # A memop has an instruction of its own: there are no more of them than instructions.
    for index in range(first + 1, min(array.count, first + 2 + shown.count)):
        memop = array.get(index)
        if isinstance(memop, Absent) or memop.start >= shown.end:
            break
        if memop.tag_address:
            found[memop.tag_address] = (memop, 1)
        found[memop.address] = (memop, 2)
    return found


def _ranges(shown: _Extent) -> dict[int, Range]:
    """The ranges that begin in what is shown, by their first address."""
    array = ranges_of(shown.runtime, shown.block)
    if isinstance(array, Absent):
        return {}
    base = shown.block.base
    above = array.last_not_above("begin", shown.start - base - 1)
    if isinstance(above, Absent):
        return {}
    found: dict[int, Range] = {}
    for number in range(above + 1, min(array.count, above + 2 + shown.count)):
        one = array.get(number)
        if isinstance(one, Absent) or base + one.begin >= shown.end:
            break
        found[base + one.begin] = one
    return found


def _label(runtime: Runtime, one: Range) -> str:
    """What a range is called: by its own symbol, or its guest function."""
    symbol = symbol_of(runtime, one)
    if isinstance(symbol, Absent):
        try:
            symbol = function_name(runtime, one.function)
        except LayoutError:
            return one.kind
    return f"{one.kind} {symbol}" if isinstance(symbol, str) and symbol else one.kind


def _marks(
    session: Session, shown: _Extent, memops: Mapping[int, tuple[Memop, int]]
) -> dict[int, list[str]]:
    """What is to be said of single instructions: who is there, and what was patched."""
    marks: dict[int, list[str]] = {}
    threads = session.target.threads()[:_MOST_THREADS]
    current = session.thread().number if threads else 0
    for thread in sorted(threads, key=lambda one: one.number != current):
        registers = session.target.registers(thread)
        if isinstance(registers, Absent) or "pc" not in registers:
            continue
        pc = session.strip(registers["pc"])
        if shown.start <= pc < shown.end:
            here = _HERE if thread.number == current else f"thread {thread.number}"
            marks.setdefault(pc, []).append(here)
    if session.info.kind == "core" and threads:
        at, interrupted = place_of_death(session, session.thread())
        if interrupted and isinstance(at, int) and shown.start <= at < shown.end:
            marks.setdefault(at, []).append(_HERE)
    for at, (memop, part) in memops.items():
        words = [f"[{part}]"]
        if isinstance(memop.flips, int) and memop.flips:
            words.append("patched")
        marks.setdefault(at, []).extend(words)
    return marks


def _row(
    line: CodeLine,
    memops: Mapping[int, tuple[Memop, int]],
    ranges: Mapping[int, Range],
    marks: Iterable[str],
) -> Row:
    memop, _ = memops.get(line.address, (None, 0))
    one = ranges.get(line.address)
    rip = memop.guest_rip if memop else one.guest_rip if one else NOT_APPLICABLE
    return {
        "address": line.address,
        "bytes": line.word if isinstance(line.word, Absent) else f"{line.word:08x}",
        "instruction": line.text,
        "guest_rip": rip or NOT_APPLICABLE,
        "memop": memop.id if memop else NOT_APPLICABLE,
        "mark": " ".join(marks),
    }


def _draw(target: Target, row: Row, line: CodeLine, marks: Sequence[str]) -> Line:
    """One line of the listing: the host's instruction, and the guest's beside it."""
    here = _HERE in marks
    text = f"<{line.text}>" if isinstance(line.text, Absent) else line.text
    word = "????????" if isinstance(line.word, Absent) else f"{line.word:08x}"
    beside = "  ".join(_beside(target, row, [mark for mark in marks if mark != _HERE]))
    return (
        Span(f"{_HERE} " if here else "   ", "mark"),
        Span(f"{line.address:#x}  ", "address"),
        Span(f"{word}  ", "dim"),
        Span(f"{text:<{_WIDTH}}" if beside else text, "mark" if here else ""),
        Span(f"  {beside}" if beside else "", "dim"),
    )


def _beside(target: Target, row: Row, marks: Sequence[str]) -> Iterator[str]:
    """Who else is there, the memop, and at its access the guest instruction."""
    memop, rip = row["memop"], row["guest_rip"]
    for mark in marks:
        yield f"{mark} memop {memop}" if mark in ("[1]", "[2]") else mark
    if isinstance(rip, int) and "[1]" not in marks:
        found = guest_instruction(target, rip)
        yield f"{rip:#x}" if isinstance(found, Absent) else f"{rip:#x}: {found.text}"
