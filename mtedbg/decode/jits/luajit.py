"""LuaJIT's traces, as they are in the memory of its process.

A Lua state lies at the beginning of one object (`GG_State`) that has the main thread, the state
that all threads share, and the trace compiler. The main thread points to the shared state that
follows it, which no other memory does; the compiler's table of traces is found in it by its shape:
each entry is a trace whose number is its place. A trace's own parts follow it in memory, in the
order and of the sizes that it says: that confirms the layout.

What was measured: LuaJIT 2.1 of Debian (2.1.1737090214), compared with `luajit -jv`.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from mtedbg.dataclass import dataclass
from mtedbg.formats.buffer import Read
from mtedbg.model.absent import Absent
from mtedbg.model.pointer import strip

MOST_BYTES = 1 << 30
"""Of memory that is searched for states."""
MOST_STATES = 64
MOST_THREADS, MOST_TABLES = 1 << 12, 1 << 9
"""What looks like a main thread, or like a table of traces, and is looked at more closely."""
MOST_TRACES = 1 << 16
_CHUNK = 1 << 20
_SPACE = 1 << 48

VERSION = re.compile(rb"LuaJIT (2\.[0-9]{1,3}\.[0-9]{1,20})")
"""How LuaJIT says which version it is."""

# A thread: GCHeader (next, marked, type), dummy_ffid, status, filler, pointer to the shared state.
_THREAD = re.compile(rb"(?s)\x06\x01[\x00-\x06]\x00{4}(.{8})")
_THREAD_TYPE_AT, _SHARED_AT = 9, 16
_SHARED_AFTER = range(0x58, 0x98, 8)
"""Bytes from the main thread to the shared state, which is as long as a thread is."""
_COMPILER = 0x1400
"""Bytes of the shared state and the compiler in which the table of traces is looked for."""
_TABLE = struct.Struct("<QII")

_STRING, _PROTO, _TRACE = 4, 7, 9
_TYPE_AT = 9
_BASE = 0x8000
"""Number of the first instruction in a trace's intermediate code."""
_IR, _SNAPSHOT = 8, struct.Struct("<IHHBBBB")
_SIZE = 0x78
"""Bytes of a trace's record."""
_TRACE_RECORD = struct.Struct("<8xBBHI8xQQIIQQQQIIQI4H3H4B")
assert _TRACE_RECORD.size <= _SIZE
_PROTO_RECORD = struct.Struct("<8xBBBBI8x8x8x8xIIIBBHQIIQ")
_BYTECODE_AT = 0x68
_STRING_DATA = 0x18
_LONGEST_NAME = 256
_MOST_SNAPSHOTS = 1 << 12
_MOST_CODE = 1 << 20
_MOST_BYTECODE = 1 << 16
_INSTRUCTION = 4
_STORE_LINK, _SHARED_STUB = 0xF90003FE, 3
"""`str x30, [sp]`, with which the code of the exits begins; instructions that they share."""

_SAVED = [f"x{number}" for number in range(28, 18, -1)]
"""What lies before the frame record of the virtual machine, in the order of addresses."""
_FRAME = struct.Struct(f"<{len(_SAVED)}Q2Q")
_RECORD = 16
_LEAST_FRAME = 192
"""Bytes from its stack pointer to its frame record; a trace may have moved the former down."""

LINKS = ("none", "root", "loop", "tail-recursion", "up-recursion", "down-recursion", "interpreter",
         "return", "stitch")  # fmt: skip
"""How a trace ends (`TraceLink`)."""


@dataclass(frozen=True, slots=True)
class Proto:
    """A function's prototype.

    Attributes:
        address: of its record.
        chunk: name of the source, as the compiler was given it: "@uaf.lua".
        first_line: where the function begins.
        lines: of each bytecode instruction; empty where it was stripped.
        end: one past its last bytecode instruction.
    """

    address: int
    chunk: str
    first_line: int
    lines: tuple[int, ...]
    end: int

    @property
    def file(self) -> str:
        """Name of the source: a file, or what stands for text that was compiled."""
        if self.chunk[:1] in ("@", "="):
            return self.chunk[1:]
        return f'[string "{self.chunk.partition(chr(10))[0][:40]}"]'

    def line_at(self, bytecode: int) -> int:
        """The line of an instruction; 0 where it is not known."""
        index = (bytecode - self.address - _BYTECODE_AT) // _INSTRUCTION
        return self.lines[index] if 0 <= index < len(self.lines) else 0


@dataclass(frozen=True, slots=True)
class Exit:
    """A snapshot: where the interpreter goes on if a guard fails.

    Attributes:
        start: the first address of the code that it is for.
        bytecode: address of the instruction at which the interpreter goes on.
    """

    start: int
    bytecode: int


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace.

    Attributes:
        number: by which LuaJIT knows it.
        record: address of its record.
        start: first address of its code.
        end: one past the last.
        limit: one past the code that leaves it by its exits, which follows.
        root: the number of the root trace; 0 where it is one.
        parent: the number of the trace from whose exit it starts, and of that exit; 0 of a root.
        link: the trace that it goes on to; 0 for none.
        link_kind: how, one of `LINKS`.
        prototype: address of the function that it starts in.
        bytecode: address of the instruction that it starts at.
        exits: in order of their code.
    """

    number: int
    record: int
    start: int
    end: int
    limit: int
    root: int
    parent: tuple[int, int]
    link: int
    link_kind: str
    prototype: int
    bytecode: int
    exits: tuple[Exit, ...]

    def part(self, number: int | None) -> tuple[int, int]:
        """First address and one past the last of an exit's code; of None what is before all."""
        begin = self.start if number is None else self.exits[number].start
        after = 0 if number is None else number + 1
        # Several exits may begin together: the last of them is the one that has code.
        return begin, self.exits[after].start if after < len(self.exits) else self.end

    def stub_at(self, pc: int) -> int | None:
        """The exit that the code at `pc` leaves by; None in what all of them share."""
        index = (pc - self.end) // _INSTRUCTION - _SHARED_STUB
        return index if index >= 0 else None

    def exit_at(self, pc: int) -> int | None:
        """The number of the exit whose code holds `pc`; None before the first."""
        index = bisect_right(self.exits, pc, key=lambda one: one.start) - 1
        return index if index >= 0 else None


def caller_of(read: Read, registers: Mapping[str, int]) -> dict[str, int] | None:
    """The registers of the C function that has entered the virtual machine.

    Traces run in the frame that the virtual machine has made then (src/vm_arm64.dasc, `saveregs`):
    its frame record is its end, and x19 to x28 are before that.

    Args:
        read: reads the process's memory.
        registers: of a frame in a trace.

    Returns:
        None where no such frame is there.
    """
    if "sp" not in registers or "x29" not in registers:
        return None
    record = strip(registers["x29"])
    if record - strip(registers["sp"]) < _LEAST_FRAME:
        return None
    data = read(record - 8 * len(_SAVED), _FRAME.size)
    if isinstance(data, Absent):
        return None
    *saved, frame, caller = _FRAME.unpack(data)
    return {**dict(zip(_SAVED, saved, strict=True)), "x29": frame, "pc": strip(caller),
            "sp": record + _RECORD}  # fmt: skip


class Traces:
    """The traces of all Lua states in a process.

    Args:
        read: reads its memory.
        heaps: writable memory that is no file's, first address and one past the last, in any order.
        most: bytes of it that are searched.
    """

    def __init__(
        self, read: Read, heaps: Sequence[tuple[int, int]], most: int = MOST_BYTES
    ) -> None:
        self._read = read
        self._most = most
        self._search = self._states(sorted(heaps, key=lambda one: one[1] - one[0]))
        self._traces: dict[int, Trace] = {}
        self._starts: list[int] = []
        self._protos: dict[int, Proto | None] = {}
        self.states: list[int] = []
        self.unfit = 0
        self.is_cut = False
        self._threads = self._tables = 0

    def at(self, pc: int) -> Trace | None:
        """The trace whose code holds `pc`; None where none does."""
        while True:
            index = bisect_right(self._starts, pc) - 1
            if index >= 0 and pc < self._traces[self._starts[index]].limit:
                return self._traces[self._starts[index]]
            if not self._more():
                return None

    def all(self) -> list[Trace]:
        """Every trace, by its address."""
        while self._more():
            pass
        return [self._traces[start] for start in self._starts]

    def proto_at(self, trace: Trace, bytecode: int) -> Proto | None:
        """The prototype that an instruction is of, at first that of the trace."""
        for address in (trace.prototype, *self._protos):
            proto = self.proto(address)
            if proto is not None and address + _BYTECODE_AT <= bytecode < proto.end:
                return proto
        return self._proto_before(bytecode)

    def proto(self, address: int) -> Proto | None:
        """The prototype whose record is at `address`; None where none is."""
        if address not in self._protos:
            if len(self._protos) >= MOST_TRACES:
                self._protos.clear()
            self._protos[address] = self._read_proto(address)
        return self._protos[address]

    def _more(self) -> bool:
        """Searches for another state, and takes its traces."""
        table = next(self._search, None)
        if table is None:
            return False
        for trace in table:
            self._traces[trace.start] = trace
        self._starts = sorted(self._traces)
        return True

    def _states(self, heaps: Sequence[tuple[int, int]]) -> Iterator[list[Trace]]:
        """The traces of each state, in small mappings first: states lie in such."""
        left = self._most
        for start, end in heaps:
            for at in range(start, end, _CHUNK):
                if left <= 0:
                    self.is_cut = True
                    return
                size = min(_CHUNK + 32, end - at)  # a thread may begin at the end of a chunk
                left -= size
                data = self._read(at, size)
                for thread in _threads(at, data) if not isinstance(data, Absent) else ():
                    if self._is_enough():
                        self.is_cut = True
                        return
                    self._threads += 1
                    found = self._of_state(thread)
                    if found is not None:
                        self.states.append(thread)
                        yield found

    def _is_enough(self) -> bool:
        return (
            len(self.states) >= MOST_STATES
            or self._threads >= MOST_THREADS
            or self._tables >= MOST_TABLES
        )

    def _of_state(self, thread: int) -> list[Trace] | None:
        """The traces of the state whose main thread is at `thread`; None where no table is."""
        if thread in self.states:
            return None
        data = self._read(thread, _COMPILER)
        if isinstance(data, Absent):
            return None
        for at in range(_SHARED_AFTER.stop, len(data) - _TABLE.size, 8):
            table, free, size = _TABLE.unpack_from(data, at)
            table = strip(table)
            if 0 < free <= size <= MOST_TRACES and 0x10000 <= table < _SPACE and table % 8 == 0:
                found = self._table(table, size)
                if found is not None:
                    return found
        return None

    def _table(self, table: int, size: int) -> list[Trace] | None:
        """All traces of a table; None where it is none, or has none."""
        if self._read(table, 8) != bytes(8):
            return None
        if self._tables >= MOST_TABLES:
            self.is_cut = True
            return None
        self._tables += 1
        data = self._read(table, size * 8)
        if isinstance(data, Absent):
            return None
        found: list[Trace] = []
        for number, (pointer,) in enumerate(struct.iter_unpack("<Q", data)):
            if not pointer:
                continue
            trace = self._trace(strip(pointer), number)
            if trace is None:
                self.unfit += 1
                if not found:
                    return None
                continue
            found.append(trace)
        return found or None

    def _trace(self, record: int, number: int) -> Trace | None:
        """The trace whose record is there, if its parts lie where it says."""
        data = self._read(record, _SIZE) if record % 8 == 0 and record < _SPACE else b""
        if isinstance(data, Absent) or not data:
            return None
        (
            _,
            kind,
            snapshots,
            instructions,
            _,
            ir,
            first,
            map_size,
            snap,
            map_,
            prototype,
            bytecode,
            _,
            size,
            code,
            _,
            _,
            _,
            own,
            link,
            root,
            _,
            _,
            _,
            _,
            link_kind,
            _,
        ) = _TRACE_RECORD.unpack_from(data)
        ir, snap, map_, code = map(strip, (ir, snap, map_, code))
        if kind != _TRACE or own != number or not 0 < snapshots <= _MOST_SNAPSHOTS:
            return None
        after = record + _SIZE
        if ir + first * _IR != after or snap != after + (instructions - first) * _IR:
            return None
        if map_ != snap + snapshots * _SNAPSHOT.size or not 0 < size <= _MOST_CODE or code % 4:
            return None
        exits = self._exits(code, size, snap, snapshots, map_, map_size)
        base = self._read(ir + _BASE * _IR, _IR)
        if exits is None or isinstance(base, Absent) or link_kind >= len(LINKS):
            return None
        parent, of_exit = struct.unpack_from("<HH", base)
        return Trace(
            number,
            record,
            code,
            code + size,
            self._limit(code + size, snapshots),
            root,
            (parent, of_exit) if root else (0, 0),
            link,
            LINKS[link_kind],
            strip(prototype),
            strip(bytecode),
            exits,
        )

    def _limit(self, end: int, exits: int) -> int:
        """One past the code of the exits: three instructions, and one for each."""
        data = self._read(end, _INSTRUCTION)
        if isinstance(data, Absent) or int.from_bytes(data, "little") != _STORE_LINK:
            return end
        return end + (_SHARED_STUB + exits) * _INSTRUCTION

    def _exits(
        self, code: int, size: int, snap: int, count: int, map_: int, map_size: int
    ) -> tuple[Exit, ...] | None:
        snaps = self._read(snap, count * _SNAPSHOT.size)
        entries = self._read(map_, map_size * 4) if map_size <= 1 << 20 else b""
        if isinstance(snaps, Absent) or isinstance(entries, Absent):
            return None
        found: list[Exit] = []
        for offset, _, place, _, _, used, _ in _SNAPSHOT.iter_unpack(snaps):
            at = (offset + used) * 4
            if at + 8 > len(entries) or place * _INSTRUCTION >= size:
                return None
            (word,) = struct.unpack_from("<Q", entries, at)
            if found and code + place * _INSTRUCTION < found[-1].start:
                return None
            found.append(Exit(code + place * _INSTRUCTION, word >> 8))
        return tuple(found)

    def _read_proto(self, address: int) -> Proto | None:
        data = self._read(address, _BYTECODE_AT) if address % 8 == 0 else b""
        if isinstance(data, Absent) or not data or data[_TYPE_AT] != _PROTO:
            return None
        fields = _PROTO_RECORD.unpack_from(data)
        count, size = fields[4], fields[7]
        chunk, first, span, info = fields[11:]
        info = strip(info)
        name = self._string(strip(chunk))
        if name is None or not 0 < count <= _MOST_BYTECODE or size < _BYTECODE_AT + count * 4:
            return None
        width = 1 if span < 1 << 8 else 2 if span < 1 << 16 else 4
        lines: tuple[int, ...] = ()
        if address < info and info + (count - 1) * width <= address + size:
            raw = self._read(info, (count - 1) * width) if count > 1 else b""
            if not isinstance(raw, Absent):
                letter = {1: "B", 2: "H", 4: "I"}[width]
                steps = struct.unpack(f"<{count - 1}{letter}", raw)
                lines = (first, *(first + step for step in steps))
        return Proto(address, name, first, lines, address + _BYTECODE_AT + count * _INSTRUCTION)

    def _proto_before(self, bytecode: int) -> Proto | None:
        """The prototype that an instruction lies in: its record is before its bytecode."""
        high = bytecode & -8
        lowest = max(high - _MOST_BYTECODE * _INSTRUCTION, 4096)
        for low in range(high - _BYTECODE_AT, lowest, -4096):
            data = self._read(low - 4096 + _TYPE_AT, 4096)
            if isinstance(data, Absent):
                return None
            for at in range(4096 - 8, -8, -8):
                if data[at] != _PROTO:
                    continue
                found = self.proto(low - 4096 + at)
                if found is not None:
                    return found if bytecode < found.end else None
        return None

    def _string(self, address: int) -> str | None:
        head = self._read(address, _STRING_DATA)
        if isinstance(head, Absent) or head[_TYPE_AT] != _STRING:
            return None
        length = min(int.from_bytes(head[0x14:0x18], "little"), _LONGEST_NAME)
        data = self._read(address + _STRING_DATA, length)
        return None if isinstance(data, Absent) else data.decode("utf-8", "replace")


def _threads(start: int, data: bytes) -> Iterator[int]:
    """Where main threads seem to be: they point to the shared state right behind them."""
    for match in _THREAD.finditer(data):
        thread = start + match.start() - _THREAD_TYPE_AT
        shared = strip(int.from_bytes(match[1], "little"))
        if thread % 8 == 0 and shared - thread in _SHARED_AFTER:
            yield thread
