"""box64's translated blocks, as they are in the memory of its process.

box64 is stripped and exports none of its tables, and needs not: a block's code begins after a word
that points to the block's record (`dynablock_t`), whose first two words point back to the code and
to that word. The record has the guest's code that was translated, and a table with the length of
each guest instruction and of its translation.

How it is told: the record's fields moved from version to version. A `Layout` holds for a block if
all of it fits: the pointers lead back, the table adds up to the guest's bytes (but for padding at
their end), its instructions are as many as the record says, and code, way out and table come in
this order. What was measured: box64 0.3.4 and 0.4.3 of Debian, compared with their perf maps.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from mtedbg.dataclass import dataclass
from mtedbg.decode.jits.words import bounded
from mtedbg.formats.buffer import Read
from mtedbg.model.absent import Absent, Reason
from mtedbg.model.pointer import strip

GUEST_REGISTERS = {
    f"x{number}": name
    for number, name in enumerate(
        "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15 flags rip".split(),  # noqa: SIM905
        10,
    )
}
"""The host's registers that hold the guest's in translated code."""
EMULATOR, DISPATCHER = "x0", "x28"
"""They hold in translated code: the address of the guest's registers, and of what the dispatcher
has saved."""

WAY_BACK = "ExitEmulation"
"""What box64 calls the guest's code by which a guest's function returns to the host."""

LONGEST = 1 << 20
"""Bytes from a block's first word to its end; the translator's buffer is half of that."""
MOST = 1 << 16
"""Blocks that are listed."""
MOST_BYTES = 1 << 27
"""Of memory for code that is searched for a list."""
MOST_UNFIT, MOST_UNFIT_LISTED = 1 << 4, 1 << 12
"""Records that fit no layout: after so many before a PC, or in a list, no more is looked at."""

_WORD = 8
_PAGE = 4096
_FIRST_READ = 1 << 12
_CHUNK = 1 << 18
_HEADER = 0x80
"""Bytes of a record that all layouts are in."""
_LOWEST, _HIGHEST = 1 << 16, 1 << 48
_TAG = 0xFF << 56
_CONTINUES = 15
_INSTRUCTION = 4
_LONGEST_GUEST = 1 << 20
_MOST_PADDING = 1 << 10
"""Bytes at the end of the guest's code that the table leaves out: they are never reached."""
_BRIDGE = struct.Struct("<3sQQBxxQ")
_BRIDGE_MARK, _RETURNS = b"\xccSC", (0xC3, 0xC2)
_LONGEST_NAME = 64
_BRIDGE_SLOT = 32
"""Bytes from one bridge to the next; the first is at the beginning of a page."""
VERSION = re.compile(rb"Box64 (?:arm64 )?v([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}) ")
"""How box64 says which version it is."""

_SAVED = struct.Struct("<10Q64x2Q")
"""What the dispatcher saves: x19 to x28, d8 to d15, x30 and x29 (in that order)."""
_GUEST = struct.Struct("<18Q")
"""The guest's registers in box64's record of its thread: as x10 to x27 have them."""

BUILDS = {
    "6a23a0776a2fe41763a3f0b6512b06ff08a92fa6": "0.3.4",
    "a8bc887b63e7a83f07ff62828a31cf0b0e348e8c": "0.4.3",
}
"""Build ids whose version need not be looked for."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of a block's record are: offsets from its beginning.

    Attributes:
        version: the first that was measured with it.
        size: u32, bytes from the block's first word to the end of its memory.
        done: u8, whether it is ready; the u8 after it, whether box64 has dropped it.
        count: i32, guest instructions.
        table: pointer to the lengths of the instructions.
        leave: pointer to the code that leaves the block, before which its record's address stands.
        native: u64, bytes of instructions, with those at the end that are of none of the guest's;
            None where the record does not have it.
    """

    version: str
    size: int
    done: int
    count: int
    table: int
    leave: int
    native: int | None = None


LAYOUTS = (
    Layout("0.3.4", size=0x28, done=0x30, count=0x34, table=0x38, leave=0x50),
    Layout("0.4.3", size=0x3C, done=0x44, count=0x4C, table=0x58, leave=0x78, native=0x28),
)
_GUEST_CODE = struct.Struct("<QQ")
"""Address and length of the guest's code: at 0x18 in all layouts."""
_GUEST_CODE_AT = 0x18


@dataclass(frozen=True, slots=True)
class Instruction:
    """A guest instruction and its translation.

    Attributes:
        guest: its address.
        length: its bytes.
        start: the first address of its translation.
        end: one past the last.
    """

    guest: int
    length: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Dynablock:
    """One block.

    Attributes:
        record: address of its record.
        layout: that holds for it.
        start: its first instruction.
        end: one past its code and the addresses that it loads.
        limit: one past its memory.
        guest: address of the guest's code.
        guest_size: bytes of it.
        instructions: the guest's, in order of address; some have no translation of their own.
        is_dropped: whether box64 does not enter it any more.
    """

    record: int
    layout: Layout
    start: int
    end: int
    limit: int
    guest: int
    guest_size: int
    instructions: tuple[Instruction, ...]
    is_dropped: bool

    def at(self, pc: int) -> Instruction | None:
        """The guest instruction that the host's at `pc` is of; None of what leaves the block."""
        index = bisect_right(self.instructions, pc, key=lambda one: one.start) - 1
        if index < 0 or pc >= self.instructions[index].end:
            return None
        return self.instructions[index]


class Blocks:
    """The blocks of one process.

    Args:
        read: reads its memory.
        runs: executable memory that is no file's: first addresses and those one past the last, in
            order, none adjoining the next.

    Attributes:
        layout: that held for a block; None while none was found.
        is_cut: whether the last list has left out memory.
    """

    def __init__(self, read: Read, runs: Sequence[tuple[int, int]]) -> None:
        self._read = read
        self._runs = runs
        self.layout: Layout | None = None
        self.is_cut = False

    def at(self, pc: int) -> Dynablock | Absent | None:
        """The block that holds `pc`.

        Returns:
            None where none does; absent where what is there cannot be told: of a record that fits
            no layout `UNKNOWN_VERSION`, or `DAMAGED` where other blocks have one, or `UNSTABLE`
            where it is being written.
        """
        run = self._run_of(pc)
        if run is None:
            return None
        lowest = max(run[0], pc - LONGEST) & -_WORD
        unfit: Absent | None = None
        count = 0
        for at, record in self._candidates_before(pc, lowest):
            found = self._block(at, record)
            if isinstance(found, Absent):
                unfit = unfit or found
                count += 1
                if count == MOST_UNFIT:
                    return unfit
            elif found.start <= pc < found.limit:
                return found
            elif found.limit <= pc:
                return unfit  # another block lies between what did not fit and the PC
        return unfit

    def all(self) -> Iterator[Dynablock | Absent]:
        """Every block in order of address, and what looks like one and fits no layout.

        At most `MOST_BYTES` of memory are looked at, and `MOST_UNFIT_LISTED` of the latter.
        """
        unfit = 0
        self.is_cut = sum(end - start for start, end in self._runs) > MOST_BYTES
        for start, end in bounded(self._runs, MOST_BYTES):
            for found in self._in_run(start, end):
                yield found
                unfit += isinstance(found, Absent)
                if unfit == MOST_UNFIT_LISTED:
                    self.is_cut = True
                    return

    def _run_of(self, pc: int) -> tuple[int, int] | None:
        index = bisect_right(self._runs, pc, key=lambda run: run[0]) - 1
        return self._runs[index] if index >= 0 and pc < self._runs[index][1] else None

    def _candidates_before(self, pc: int, lowest: int) -> Iterator[tuple[int, int]]:
        """Words at or before `pc` that point to a record that points back: nearest first."""
        high, step = (pc & -_WORD) + _WORD, _FIRST_READ
        high -= _WORD  # a block's first instruction comes after its first word
        while high > lowest:
            low = max(high - step & -_PAGE, lowest)
            data = self._read(low, high - low)
            if isinstance(data, Absent):
                return
            words = memoryview(data).cast("Q")
            for index in range(len(words) - 1, -1, -1):
                record = words[index] & ~_TAG
                at = low + index * _WORD
                if _LOWEST <= record < _HIGHEST and self._leads_back(at, record):
                    yield at, record
            high, step = low, min(step * 4, _CHUNK)

    def _in_run(self, start: int, end: int) -> Iterator[Dynablock | Absent]:
        at = start
        while at < end:
            size = min(_CHUNK, end - at)
            data = self._read(at, size)
            if isinstance(data, Absent) and size > _PAGE:  # a core may have only some of its pages
                size = min(_PAGE - at % _PAGE, size)
                data = self._read(at, size)
            following = at + size
            if not isinstance(data, Absent) and data.count(0) < len(data):
                for found in self._in_chunk(at, data):
                    yield found
                    if isinstance(found, Dynablock):
                        following = max(following, found.limit & -_WORD)
            at = following

    def _in_chunk(self, start: int, data: bytes) -> Iterator[Dynablock | Absent]:
        words = memoryview(data[: len(data) & -_WORD]).cast("Q")
        index = 0
        while index < len(words):
            record = words[index] & ~_TAG
            at = start + index * _WORD
            index += 1
            if _LOWEST <= record < _HIGHEST and self._leads_back(at, record):
                found = self._block(at, record)
                yield found
                if isinstance(found, Dynablock):
                    index = (found.limit - start) // _WORD

    def _leads_back(self, at: int, record: int) -> bool:
        data = self._read(record, 2 * _WORD) if record % _WORD == 0 else b""
        if isinstance(data, Absent) or not data:
            return False
        code, first = _GUEST_CODE.unpack(data)
        return (strip(code), strip(first)) == (at + _WORD, at)

    def _block(self, at: int, record: int) -> Dynablock | Absent:
        """The block whose first word is at `at`, by whatever layout fits."""
        header = self._read(record, _HEADER)
        if isinstance(header, Absent):
            return header
        known = self.layout
        for layout in (known,) if known else LAYOUTS:
            found = self._by(layout, at, record, header)
            if found is not None:
                self.layout = layout
                return found
        if known and not any(header[known.done : known.done + 2]):
            return Absent(Reason.UNSTABLE, f"the block's record at {record:#x} is not written yet")
        if known:
            return Absent(Reason.DAMAGED, f"the block's record at {record:#x} does not add up")
        return Absent(Reason.UNKNOWN_VERSION, f"the block's record at {record:#x} fits no layout")

    def _by(self, layout: Layout, at: int, record: int, header: bytes) -> Dynablock | None:
        """The block by one layout; None where it does not fit."""
        size = _u32(header, layout.size)
        count = _u32(header, layout.count)
        table, leave = (strip(_u64(header, one)) for one in (layout.table, layout.leave))
        guest, guest_size = _GUEST_CODE.unpack_from(header, _GUEST_CODE_AT)
        start, limit = at + _WORD, at + size
        if not 2 * _WORD <= size <= LONGEST or not 0 < count <= guest_size <= _LONGEST_GUEST:
            return None
        if not start <= leave - _WORD < leave < table < limit or leave % _INSTRUCTION:
            return None
        own = self._read(leave - _WORD, _WORD)
        if isinstance(own, Absent) or strip(_u64(own, 0)) != record:
            return None
        lengths = self._read(table, limit - table)
        if isinstance(lengths, Absent):
            return None
        pairs = list(_pairs(lengths, count))
        native = sum(host for _, host in pairs)
        told = sum(length for length, _ in pairs)
        if len(pairs) != count or not 0 <= guest_size - told <= _MOST_PADDING:
            return None
        whole = native if layout.native is None else _u64(header, layout.native)
        if not native <= whole <= leave - _WORD - start:
            return None
        is_ready, is_dropped = header[layout.done : layout.done + 2]
        return Dynablock(
            record,
            layout,
            start,
            table,
            limit,
            strip(guest),
            guest_size,
            tuple(_placed(pairs, strip(guest), start)),
            bool(is_dropped) or not is_ready,
        )


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _u64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _pairs(table: bytes, most: int) -> Iterator[tuple[int, int]]:
    """Bytes of each guest instruction, and of its translation.

    A byte each: the guest's bytes in the low half, the host's instructions in the high one; where
    one of them is 15 the next byte is of the same instruction. Two zeros are the end.
    """
    length = host = found = 0
    for byte in table:
        low, high = byte & 0xF, byte >> 4
        length, host = length + low, host + high
        if _CONTINUES in (low, high):
            continue
        if not length and not host:
            return
        yield length, host * _INSTRUCTION
        found += 1
        if found == most:
            return
        length = host = 0


def _placed(pairs: list[tuple[int, int]], guest: int, start: int) -> Iterator[Instruction]:
    ends = accumulate(pairs, lambda sums, pair: (sums[0] + pair[0], sums[1] + pair[1]))
    for (length, host), (guest_end, end) in zip(pairs, ends, strict=True):
        yield Instruction(guest + guest_end - length, length, start + end - host, start + end)


@dataclass(frozen=True, slots=True)
class Bridge:
    """Guest code by which a guest calls a function of the host's.

    Attributes:
        function: of the host's; 0 where the bridge is box64's own way back.
        name: the guest's name for it, where box64 keeps that.
    """

    function: int
    name: str


def bridge_at(read: Read, guest: int) -> Bridge | None:
    """The bridge that holds a guest address: INT3, "SC", two pointers, RET, a name's pointer.

    Args:
        read: reads memory.
        guest: an address of the guest's code.
    """
    data = read(guest & -_BRIDGE_SLOT, _BRIDGE.size)
    if isinstance(data, Absent):
        return None
    mark, _, function, back, name = _BRIDGE.unpack(data)
    if mark != _BRIDGE_MARK or back not in _RETURNS:
        return None
    found = read(strip(name), _LONGEST_NAME) if name else b""
    text = b"" if isinstance(found, Absent) else found.split(b"\0", 1)[0]
    is_name = text.isascii() and text.decode("latin-1").isprintable()
    return Bridge(strip(function), text.decode() if is_name else "")


def left(read: Read, registers: Mapping[str, int]) -> Mapping[str, int] | Absent:
    """The registers of whoever called the dispatcher, which a block's frame leads to.

    The dispatcher (`arm64_prolog`) saves what a callee gives back, keeps in x28 where, and jumps
    into the first block; blocks jump to each other.

    Args:
        read: reads memory.
        registers: of a frame in translated code, those that are known.
    """
    if DISPATCHER not in registers:
        return Absent(Reason.UNKNOWN, f"{DISPATCHER}, which leads to what box64's dispatcher saved")
    base = strip(registers[DISPATCHER])
    stack = registers.get("sp")
    if base % 16 or (stack is not None and base < strip(stack)):
        return Absent(Reason.DAMAGED, f"{DISPATCHER} is {base:#x}, which is not above this frame")
    data = read(base, _SAVED.size)
    if isinstance(data, Absent):
        return Absent(data.reason, f"what box64's dispatcher saved at {base:#x}")
    *kept, link, frame = _SAVED.unpack(data)
    found = {f"x{number}": value for number, value in enumerate(kept, 19)}
    return {**found, "x29": frame, "pc": link, "sp": base + _SAVED.size}


def guest_registers(read: Read, registers: Mapping[str, int]) -> Mapping[str, int] | Absent:
    """The guest's registers in a frame of translated code.

    Args:
        read: reads memory.
        registers: of the frame, those that are known: of a frame that has called the host's code
            x19 to x28 and sp.
    """
    found = {name: registers[host] for host, name in GUEST_REGISTERS.items() if host in registers}
    if len(found) == len(GUEST_REGISTERS):
        return found
    # Blocks keep the emulator's address on the stack while they call, and have stored there what a
    # callee does not give back.
    if "sp" not in registers:
        return Absent(Reason.UNKNOWN, "sp of the frame, where a block keeps its emulator's address")
    kept = read(strip(registers["sp"]), _WORD)
    if isinstance(kept, Absent):
        return kept
    data = read(strip(_u64(kept, 0)), _GUEST.size)
    if isinstance(data, Absent):
        return Absent(data.reason, "what a block stored before it called")
    stored = dict(zip(GUEST_REGISTERS.values(), _GUEST.unpack(data), strict=True))
    return {**stored, **found}
