"""Translated code next to the guest instructions that it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from mtedbg.analysis.interrupted import place_of_death
from mtedbg.analysis.runtimes import all_runtimes, place_of
from mtedbg.dataclass import dataclass
from mtedbg.decode.code.code_map import CODE_MAP, RETIRED, line_of, name_of, ranges_of
from mtedbg.decode.code.code_map import NEEDS as CODEMAP_NEEDS
from mtedbg.decode.code.details import (
    LONGEST_NAME,
    inlines_of,
    patch_at,
    patch_words,
    patches_of,
)
from mtedbg.decode.code.disassembly import CodeLine, disassemble
from mtedbg.decode.code.guest_instruction import guest_instruction
from mtedbg.decode.code.instruction import WORD_SIZE
from mtedbg.decode.memops.memop import NEEDS, memops_of
from mtedbg.errors import LayoutError
from mtedbg.layout.memory import read_name
from mtedbg.model.absent import NOT_APPLICABLE, Absent, or_else, present, then
from mtedbg.model.code import Block, Line, Place, Range

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from mtedbg.layout import Runtime
    from mtedbg.layout.memory import RecordArray
    from mtedbg.model.memop import Memop
    from mtedbg.model.process import Thread
    from mtedbg.model.source import SourceLine
    from mtedbg.session import Session

T = TypeVar("T", bound="DataclassInstance")

OUT_OF_LINE = 3
"""The part of a memop that an instruction of its out-of-line form is."""
BEFORE, AFTER = 12, 20
"""Instructions around a PC."""
OF_BLOCK = 256
"""Instructions of a block where no number is given."""
MOST = 1 << 14
_MOST_THREADS = 1 << 12


@dataclass(frozen=True, slots=True)
class Standing:
    """Who stands at an instruction.

    Attributes:
        current: whether the thread that is asked about does.
        threads: the numbers of others.
        interrupted: whether that thread was there when the signal came whose handler it is in.
    """

    current: bool = False
    threads: tuple[int, ...] = ()
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class ListedInstruction:
    """One host instruction of a block, and what is known of it.

    Attributes:
        line: the instruction.
        label: what begins here, "Function main"; empty where nothing does.
        guest_rip: the guest instruction that it came from, where a memop or range tells it.
        guest: that in assembler; does not apply at the tag insert [1], which is only a part of it.
        memop: the memop that it is part of.
        part: which part of that: 1 for the tag insert, 2 for the access, `OUT_OF_LINE`, 0 where
            there is none.
        standing: who is here.
        patch: the place that is patched, in words; empty where it is in none.
    """

    line: CodeLine
    label: str
    guest_rip: int | Absent
    guest: str | Absent
    memop: Memop | Absent
    part: int
    standing: Standing
    patch: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Instructions of one block.

    Attributes:
        runtime: whose code it is.
        block: which block.
        start: address of the first instruction.
        lines: the instructions.
        notes: remarks for people about the place that was asked for.
        is_one_of_several: whether the process has other runtimes, whose blocks have ids as well.
    """

    runtime: Runtime
    block: Block
    start: int
    lines: tuple[ListedInstruction, ...]
    notes: tuple[str, ...]
    is_one_of_several: bool

    @property
    def end(self) -> int:
        """One past the last instruction."""
        return self.start + len(self.lines) * WORD_SIZE


@dataclass(frozen=True, slots=True)
class _Extent:
    """What to list: instructions of one block."""

    runtime: Runtime
    block: Block
    start: int
    count: int
    notes: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        return self.start + self.count * WORD_SIZE


def listing(
    session: Session, which: int, *, count: int | None = None, thread: Thread | None = None
) -> Listing | Place:
    """The instructions around a PC, or of a block.

    Args:
        session: the process.
        which: a PC in translated code, or where it is none the id of a block.
        count: instructions from the PC, or from the block's beginning on.
        thread: whose PC is the current one; None where the process has no threads.

    Returns:
        The listing, or where neither is there what `which` is in.

    Raises:
        NoRuntimeError: there is no runtime.
        LayoutError: the debug root is damaged, or lacks what this needs.
    """
    wanted = None if count is None else max(1, min(count, MOST))
    found = _extent(session, which, wanted)
    if isinstance(found, Place):
        return found
    several = len(all_runtimes(session)) > 1
    who = standing(session, found.start, found.end, thread)
    lines = tuple(_lines(session, found, who))
    return Listing(found.runtime, found.block, found.start, lines, found.notes, several)


def _extent(session: Session, at: int, count: int | None) -> _Extent | Place:
    """What to list; what `at` is in where that is nothing."""
    for runtime in all_runtimes(session):
        runtime.layout.require(CODEMAP_NEEDS)
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
    return place


def _clipped(
    runtime: Runtime, block: Block, start: int, count: int, notes: tuple[str, ...]
) -> _Extent:
    inside = max((block.end - start) // WORD_SIZE, 0)
    return _Extent(runtime, block, start, min(count, inside, MOST), notes)


def _block_with_id(runtime: Runtime, number: int) -> Block | None:
    for name in (CODE_MAP, RETIRED):
        for block in or_else(runtime.rows(name, Block), ()):
            if block.id == number:
                return block
    return None


def _lines(
    session: Session, shown: _Extent, who: Mapping[int, Standing]
) -> Iterator[ListedInstruction]:
    memops, ranges = _memops(shown), _ranges(shown)
    patches, begins = _patches(shown), _begins(shown)
    for line in disassemble(session.target, shown.start, shown.count):
        memop, part = memops.get(line.address, (NOT_APPLICABLE, 0))
        one = ranges.get(line.address, NOT_APPLICABLE)
        rip = _guest_rip(memop, one)
        yield ListedInstruction(
            line,
            "; ".join(filter(None, (_range_label(shown, one), begins.get(line.address, "")))),
            rip,
            NOT_APPLICABLE
            if part in (1, OUT_OF_LINE)
            else then(rip, lambda at: _guest(session, at)),
            memop,
            part,
            who.get(line.address, Standing()),
            patches.get(line.address, ""),
        )


def _range_label(shown: _Extent, one: Range | Absent) -> str:
    return or_else(then(one, lambda found: _label(shown.runtime, found)), "")


def _patches(shown: _Extent) -> dict[int, str]:
    """The places in what is shown that are patched, by the addresses of their instructions."""
    found: dict[int, str] = {}
    with suppress(LayoutError):
        before = patch_at(shown.runtime, shown.block, shown.start)
        patches = patches_of(shown.runtime, shown.block)
        later = _from(patches, "address", shown.start, shown.count)
        for one in chain([before] if present(before) else [], later):
            if one.address >= shown.end:
                break
            words = patch_words(shown.runtime, one)
            start = max(one.address - one.address % WORD_SIZE, shown.start)
            for at in range(start, min(one.address + one.size, shown.end), WORD_SIZE):
                found[at] = words
    return found


def _begins(shown: _Extent) -> dict[int, str]:
    """Where code of another line or of an inlined function begins in what is shown."""
    found: dict[int, str] = {}
    base = shown.block.base
    with suppress(LayoutError):
        for at, line in _source_lines(shown):
            found[at] = f"at {line}"
    with suppress(LayoutError):
        inlines = inlines_of(shown.runtime, shown.block)
        for one in _from(inlines, "begin", shown.start - base, shown.count):
            if base + one.begin >= shown.end:
                break
            name = or_else(read_name(shown.runtime.target, one.name, LONGEST_NAME), "")
            at = base + one.begin
            found[at] = f"{name or 'a function'}, inlined {found.get(at, '')}".rstrip()
    return found


def _source_lines(shown: _Extent) -> Iterator[tuple[int, SourceLine]]:
    """Where lines of source begin in what is shown."""
    base = shown.block.base
    ranges = ranges_of(shown.runtime, shown.block)
    first = then(ranges, lambda all_: all_.last_not_above("begin", shown.start - base))
    if isinstance(ranges, Absent) or isinstance(first, Absent):
        return
    for number in range(max(first, 0), min(ranges.count, first + 2 + shown.count)):
        one = ranges.get(number)
        if isinstance(one, Absent) or base + one.begin >= shown.end:
            return
        count, address = or_else(one.line_count, 0), or_else(one.lines, 0)
        if not count or not address:
            continue
        lines = shown.runtime.records(Line, address, count)
        for line in _from(lines, "begin", max(shown.start - base, one.begin), shown.count):
            if base + line.begin >= min(shown.end, base + one.end):
                break
            found = line_of(shown.runtime, one, line.begin)
            if present(found):
                yield base + line.begin, found


def _guest_rip(memop: Memop | Absent, one: Range | Absent) -> int | Absent:
    if present(memop):
        return memop.guest_rip or NOT_APPLICABLE
    return then(one, lambda found: found.guest_rip or NOT_APPLICABLE)


def _guest(session: Session, rip: int) -> str | Absent:
    return then(guest_instruction(session.target, rip), lambda found: found.text)


def _memops(shown: _Extent) -> dict[int, tuple[Memop, int]]:
    """The memops in what is shown: by the address of an instruction, with its part."""
    found: dict[int, tuple[Memop, int]] = {}
    if not shown.block.memop_count:
        return found
    shown.runtime.layout.require(NEEDS)
    for memop in _from(memops_of(shown.runtime, shown.block), "address", shown.start, shown.count):
        if memop.start >= shown.end:
            break
        if memop.tag_address:
            found[memop.tag_address] = (memop, 1)
        found[memop.address] = (memop, 2)
    for at, memop in _out_of_line(shown):
        found[at] = (memop, OUT_OF_LINE)
    return found


def _out_of_line(shown: _Extent) -> Iterator[tuple[int, Memop]]:
    """The words of out-of-line forms in what is shown, which are in the order of the memops."""
    memops = memops_of(shown.runtime, shown.block)
    if isinstance(memops, Absent) or not memops.count:
        return
    first = memops.get(0)
    if isinstance(first, Absent) or len(first.accesses) == 1:
        return
    before = memops.last_not_above("out_address", shown.start)
    if isinstance(before, Absent):
        return
    for number in range(max(before, 0), min(memops.count, before + 2 + shown.count)):
        memop = memops.get(number)
        if isinstance(memop, Absent) or not isinstance(memop.out_address, int):
            return
        if memop.out_address >= shown.end:
            return
        for at in range(memop.out_address, or_else(memop.out_end, 0), WORD_SIZE):
            if shown.start <= at < shown.end:
                yield at, memop


def _ranges(shown: _Extent) -> dict[int, Range]:
    """The ranges that begin in what is shown, by their first address."""
    found: dict[int, Range] = {}
    base = shown.block.base
    ranges = ranges_of(shown.runtime, shown.block)
    for one in _from(ranges, "begin", shown.start - base, shown.count):
        if base + one.begin >= shown.end:
            break
        found[base + one.begin] = one
    return found


def _from(array: RecordArray[T] | Absent, field: str, start: int, count: int) -> Iterator[T]:
    """The records whose `field` is at least `start`, at most one more than there are instructions.

    Memops and ranges have instructions of their own: there are no more of them.
    """
    if isinstance(array, Absent):
        return
    before = array.last_not_above(field, start - 1)
    if isinstance(before, Absent):
        return
    for number in range(before + 1, min(array.count, before + 2 + count)):
        record = array.get(number)
        if isinstance(record, Absent):
            return
        yield record


def _label(runtime: Runtime, one: Range) -> str:
    """What a range is called: by its own symbol, or its guest function."""
    try:
        symbol = name_of(runtime, one)
    except LayoutError:
        return one.kind
    return f"{one.kind} {symbol}" if present(symbol) and symbol else one.kind


def standing(session: Session, start: int, end: int, current: Thread | None) -> dict[int, Standing]:
    """Who stands where in [start, end)."""
    threads: dict[int, list[int]] = {}
    for thread in session.target.threads()[:_MOST_THREADS]:
        pc = then(session.target.registers(thread), lambda found: found.get("pc"))
        if isinstance(pc, int) and start <= session.strip(pc) < end:
            threads.setdefault(session.strip(pc), []).append(thread.number)
    before = _interrupted(session, current)
    return {
        at: Standing(
            current is not None and current.number in threads.get(at, ()),
            tuple(one for one in threads.get(at, ()) if current is None or one != current.number),
            at == before,
        )
        for at in {*threads, before}
        if at is not None
    }


def _interrupted(session: Session, thread: Thread | None) -> int | None:
    """Where a dead thread was when the signal came whose handler it is in."""
    if thread is None or not session.info.is_dead:
        return None
    at, is_interrupted = place_of_death(session, thread)
    return or_else(at, None) if is_interrupted else None
