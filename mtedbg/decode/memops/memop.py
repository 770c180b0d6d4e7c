"""Memops: found by PC or id, and their recorded state next to what their bytes say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from mtedbg.dataclass import replace
from mtedbg.decode.code.code_map import CODE_MAP, locate
from mtedbg.decode.memops.journal import in_flight
from mtedbg.decode.memops.words import access_mode, branch_target, insert_mode, out_of_line
from mtedbg.decode.pages import Pages
from mtedbg.decode.stack.registers import register_number
from mtedbg.layout import Requirements, Runtime
from mtedbg.layout.memory import RecordArray
from mtedbg.model.absent import NOT_APPLICABLE, Absent, Reason, or_else, then
from mtedbg.model.code import Block, Place, Range
from mtedbg.model.memop import Memop, MemopState, Mode, Word
from mtedbg.model.runtime import Buffer, Journal, Table

NEEDS = Requirements(
    models=(Table, Buffer, Block, Memop),
    contracts={"codemap": "1", "memop.restart": "tag_address"},
    registers=("address", "host_core_id"),
)

_INSTRUCTION = 4
_COUNTER = 8
_MOST_SEARCHED = 1 << 27
"""Bytes of memop records that a search by id reads."""


def memops_of(runtime: Runtime, block: Block) -> RecordArray[Memop] | Absent:
    """The memops of `block`, sorted by address."""
    return runtime.records(Memop, block.memops, block.memop_count)


def memop_in(runtime: Runtime, place: Place) -> Memop | Absent:
    """The memop at a PC that was located: anywhere in it, out of line, or at its abort handler.

    The kernel takes a thread that is interrupted in a restartable sequence to its abort handler
    before it delivers a signal (kernel/rseq.c), a branch to the memop's beginning: the fault of an
    access has that for its PC.
    """
    if not isinstance(place.block, Block) or not place.block.memop_count:
        return NOT_APPLICABLE
    found = _around(runtime, place, place.block)
    if found != NOT_APPLICABLE:
        return found
    found = _out_of_line(runtime, place, place.block)
    if found != NOT_APPLICABLE:
        return found
    word = runtime.target.read_memory(place.pc, _INSTRUCTION)
    if isinstance(word, Absent):
        return NOT_APPLICABLE
    back = branch_target(int.from_bytes(word, "little"), place.pc)
    if isinstance(back, Absent) or not place.block.base <= back < place.block.end:
        return NOT_APPLICABLE
    memop = _around(runtime, replace(place, pc=back), place.block)
    aborts = isinstance(memop, Memop) and memop.abort_address == place.pc
    return memop if aborts else NOT_APPLICABLE


def _around(runtime: Runtime, place: Place, block: Block) -> Memop | Absent:
    memops = memops_of(runtime, block)
    memop = then(memops, lambda array: array.first_above("address", place.pc - 1))
    if isinstance(memop, Absent):
        return memop
    inside = block.base <= memop.start <= memop.address < block.end
    if not inside:
        return Absent(Reason.DAMAGED, f"memop {memop.id} is outside of its block")
    return memop if memop.covers(place.pc) else NOT_APPLICABLE


def _out_of_line(runtime: Runtime, place: Place, block: Block) -> Memop | Absent:
    """The memop in whose out-of-line form the PC is: these are in the order of the memops."""
    memops = memops_of(runtime, block)
    first = NOT_APPLICABLE if isinstance(memops, Absent) or not memops.count else memops.get(0)
    if isinstance(memops, Absent) or isinstance(first, Absent) or len(first.accesses) == 1:
        return NOT_APPLICABLE
    memop = memops.last_at_most("out_address", place.pc)
    if isinstance(memop, Absent):
        return memop
    return memop if memop.covers_out_of_line(place.pc) else NOT_APPLICABLE


def memop_before(runtime: Runtime, place: Place) -> Memop | Absent:
    """The last memop before a PC that was located, in the same range; else does not apply."""
    if not isinstance(place.block, Block) or not isinstance(place.range, Range):
        return NOT_APPLICABLE
    if not place.block.memop_count:
        return NOT_APPLICABLE
    begin = place.block.base + place.range.begin
    memops = memops_of(runtime, place.block)
    before = then(memops, lambda array: array.last_at_most("address", place.pc - 1))
    return then(before, lambda memop: memop if memop.address >= begin else NOT_APPLICABLE)


def memop_at(runtime: Runtime, pc: int) -> Memop | Absent:
    """The memop at `pc`; does not apply where there is none.

    Raises:
        LayoutError: the runtime does not tell what this needs; of memops only where the block
            there has any.
    """
    place = locate(runtime, pc)
    if place.detail:
        return Absent(Reason.DAMAGED, place.detail)
    if not isinstance(place.block, Block) or not place.block.memop_count:
        return NOT_APPLICABLE
    runtime.layout.require(NEEDS)
    return memop_in(runtime, place)


def all_memops(runtime: Runtime) -> Iterator[Memop] | Absent:
    """The memops of all blocks of the code map, at most `_MOST_SEARCHED` bytes of them."""
    return then(runtime.rows(CODE_MAP, Block), partial(_memops, runtime))


def _memops(runtime: Runtime, blocks: Iterator[Block]) -> Iterator[Memop]:
    left = _MOST_SEARCHED
    for block in blocks:
        memops = memops_of(runtime, block)
        if isinstance(memops, Absent):
            continue
        left -= memops.size
        if left < 0:
            return
        yield from or_else(memops.all(), ())


def memop_with_id(runtime: Runtime, number: int) -> Memop | Absent:
    """The memop whose id is `number`; does not apply where there is none.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    runtime.layout.require(NEEDS)
    return then(
        all_memops(runtime),
        lambda memops: next((one for one in memops if one.id == number), NOT_APPLICABLE),
    )


def state_of(runtime: Runtime, memop: Memop) -> MemopState:
    """`memop` as recorded and as its bytes are, and the patch in flight.

    Raises:
        LayoutError: the runtime does not tell what this needs.
    """
    runtime.layout.require(NEEDS)
    return _state(runtime, memop, in_flight(runtime), runtime.target.read_memory)


def executions_of(memop: Memop, read: _Read) -> int | Absent:
    """How often control came to a memop; does not apply where that is not counted."""
    if isinstance(memop.counter, Absent) or not memop.counter:
        return NOT_APPLICABLE
    data = read(memop.counter, _COUNTER)
    return data if isinstance(data, Absent) else int.from_bytes(data, "little")


def form_fault(runtime: Runtime, state: MemopState, read: _Read) -> str:
    """What is wrong with a memop's out-of-line form; empty where nothing is, or it has none."""
    memop = state.memop
    if len(memop.accesses) == 1 or not isinstance(memop.out_end, int):
        return ""
    assert isinstance(memop.out_address, int)
    begin, access = memop.out_address, state.words[-1].word
    if isinstance(runtime.shared_tag, Absent) or isinstance(access, Absent):
        return ""  # said of the words themselves
    should = out_of_line(access, runtime.shared_tag, begin, memop.address + _INSTRUCTION)
    if isinstance(should, Absent):
        return ""
    if memop.out_end - begin != _INSTRUCTION * len(should):
        return f"its out-of-line form is {memop.out_end - begin} bytes long"
    there = read(begin, memop.out_end - begin)
    if isinstance(there, Absent):
        return f"its out-of-line form: {there}"
    for place, word in enumerate(should):
        is_word = int.from_bytes(there[_INSTRUCTION * place :][:_INSTRUCTION], "little")
        if is_word != word:
            at = begin + _INSTRUCTION * place
            return f"its out-of-line form has {is_word:#010x} at {at:#x}, not {word:#010x}"
    return ""


def states_of(runtime: Runtime, memops: Iterable[Memop]) -> Iterator[MemopState]:
    """The same of many memops, in as few reads as possible; errors as for `state_of`."""
    runtime.layout.require(NEEDS)
    entries, pages = in_flight(runtime), Pages(runtime.target)
    for memop in memops:
        yield _state(runtime, memop, entries, pages.read)


_Read = Callable[[int, int], bytes | Absent]


def _state(
    runtime: Runtime, memop: Memop, entries: tuple[Journal, ...] | Absent, read: _Read
) -> MemopState:
    words = tuple(_words(runtime, memop, read))
    decoded = _decoded(words)
    consistent = then(decoded, lambda mode: mode == memop.mode)
    if isinstance(decoded, Absent) and decoded.reason is Reason.DAMAGED:
        consistent = False
    entry = _patch(entries, memop)
    step = _step(entry, memop, words) if isinstance(entry, Journal) else ""
    executions = executions_of(memop, read)
    return MemopState(memop, words, decoded, consistent, entry, step, executions)


def _words(runtime: Runtime, memop: Memop, read: _Read) -> Iterator[Word]:
    address = register_number(runtime, "address")
    core = register_number(runtime, "host_core_id")
    either = False
    for part, at in ((1, memop.tag_address), (2, memop.address)):
        if part == 1 and not at:
            continue
        data = read(at, _INSTRUCTION)
        if isinstance(data, Absent):
            yield Word(part, at, data, data)
            continue
        word = int.from_bytes(data, "little")
        mode = insert_mode(word, address, core) if part == 1 else access_mode(word, address)
        if part == 1:
            either = memop.out_address != 0 and branch_target(word, at) == memop.out_address
            mode = Mode.EITHER if either else mode
        elif either and mode is Mode.SHARED:
            mode = Mode.EITHER  # the same word in both
        yield Word(part, at, word, mode)


def _decoded(words: tuple[Word, ...]) -> Mode | Absent:
    """The one mode that all words have that have one."""
    hole = next((w.mode for w in words if isinstance(w.mode, Absent) and w.mode.is_hole), None)
    if hole is not None:
        return hole
    modes = [word.mode for word in words if isinstance(word.mode, Mode)]
    if not modes:
        return NOT_APPLICABLE
    return modes[0] if len(set(modes)) == 1 else Mode.MIXED


def _patch(entries: tuple[Journal, ...] | Absent, memop: Memop) -> Journal | Absent:
    if isinstance(entries, Absent):
        return entries if entries.reason is not Reason.NOT_RECORDED else NOT_APPLICABLE
    return next((entry for entry in entries if entry.memop == memop.id), NOT_APPLICABLE)


def _step(entry: Journal, memop: Memop, words: tuple[Word, ...]) -> str:
    """How far a patch has come: what the words are, and whether the record follows them."""
    if entry.old_mode == entry.new_mode:
        return f"phase {entry.phase}, the memop stays {entry.old_mode}"
    done = [
        f"[{word.part}] {'written' if word.mode == entry.new_mode else 'not yet'}"
        for word in words
        if isinstance(word.mode, Mode) and not (word.part == 2 and entry.new_mode == Mode.EITHER)
    ]
    done.append(f"record {'written' if memop.mode == entry.new_mode else 'not yet'}")
    return f"phase {entry.phase}, {entry.old_mode} → {entry.new_mode}: {', '.join(done)}"
