"""Minidumps: what LLDB's `process save-core` writes on Linux, and Breakpad and Crashpad.

They have threads, modules and memory, no tags, and of memory no permissions. Source: Microsoft's
minidumpapiset.h; Breakpad's minidump_format.h for Linux and for the ARM64 context, whose general
registers stand at the same places in both of its forms; LLDB's MinidumpFileBuilder.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from mtedbg.errors import FileFormatError
from mtedbg.formats import core_notes as notes
from mtedbg.formats import elf
from mtedbg.formats.buffer import Buffer
from mtedbg.formats.core_notes import PATH_MAX, FileMapping, ThreadNotes
from mtedbg.formats.elf import ProgramHeader
from mtedbg.model.absent import Absent, Reason

UNKNOWN_FLAGS = 1 << 31
"""Of memory whose permissions are not recorded."""

THREADS, MODULES, MEMORY, EXCEPTION, SYSTEM, MEMORY_64, MISC = 3, 4, 5, 6, 7, 9, 15
LINUX_AUXV = 0x47670008
MOST_STREAMS, MOST_THREADS, MOST_MODULES, MOST_RANGES = 4096, 1 << 15, 1 << 16, 1 << 18

_HEADER = struct.Struct("<4sIIIIIQ")
_DIRECTORY = struct.Struct("<III")
_THREAD = struct.Struct("<IIIIQQIIII")
_MODULE = struct.Struct("<QIIII52xII24x")
_RANGE, _RANGE_64 = struct.Struct("<QII"), struct.Struct("<QQ")
_ERROR = struct.Struct("<IIIIQQII120s")
_ARM64 = (12, 0x8003)  # Microsoft's number, Breakpad's older one
_OF_BREAKPAD = 1 << 31
_MOST_NAMES = 1 << 24
"""Characters of all modules' names."""
_PSTATE, _PSTATE_OF_BREAKPAD = 4, 272
_MOST_CONTEXT = 1 << 10
"""Bytes of a context; general registers stand at its beginning, in either form."""
_CONTEXT = struct.Struct("<8x33Q8x")
_LLDB = 0x4C4C4442
_BUILD_ID = b"LEpB"
_ADDRESS = re.compile(rb"fault address[:=] ?(0x[0-9a-f]{1,16})\b")
_SEGV = (
    (b"async tag check fault", 8),
    (b"sync tag check fault", 9),
    (b"address not mapped", 1),
    (b"invalid permissions", 2),
)

_Streams = dict[int, tuple[int, int]]


def is_minidump(data: Buffer) -> bool:
    """Whether the file begins as one."""
    return data[:4] == b"MDMP"


def read_minidump(
    data: Buffer, name: str, remarks: list[str]
) -> tuple[MinidumpNotes, list[ProgramHeader]]:
    """Threads and modules, and memory as program headers have it.

    Args:
        data: the file.
        name: its name, for messages.
        remarks: gets one line for each kind of damage.

    Raises:
        FileFormatError: it is not one of AArch64, or damaged at its beginning.
    """
    streams = _streams(data, name, remarks)
    place = streams.get(SYSTEM)
    start = b"" if place is None else data[place[0] : place[0] + 2]
    if len(start) < 2:
        raise FileFormatError(
            f"{name} does not say which machine it is for", "copy it again, completely"
        )
    if int.from_bytes(start, "little") not in _ARM64:
        raise FileFormatError(f"{name} is a minidump of another machine, not of AArch64", "")
    found = MinidumpNotes(data, streams, remarks)
    ranges = [*_ranges(data, streams), *_ranges_64(data, streams)]
    return found, [
        ProgramHeader(index, 1, UNKNOWN_FLAGS, offset, address, size, size)
        for index, (address, size, offset) in enumerate(ranges)
    ]


def _streams(data: Buffer, name: str, remarks: list[str]) -> _Streams:
    """Place and size of each stream by its type, as far as they are in the file."""
    header = data[: _HEADER.size]
    if len(header) < _HEADER.size:
        raise FileFormatError(f"{name} ends within its header", "copy it again, completely")
    _, _, count, start, *_ = _HEADER.unpack(header)
    found: _Streams = {}
    table = data[start : start + min(count, MOST_STREAMS) * _DIRECTORY.size]
    table = table[: len(table) // _DIRECTORY.size * _DIRECTORY.size]
    for kind, size, offset in _DIRECTORY.iter_unpack(table):
        end = min(offset + size, len(data))
        if offset < end:
            found.setdefault(kind, (offset, end - offset))
        if end < offset + size:
            remarks.append("the file is truncated: some of its streams are partly missing")
    if len(table) < count * _DIRECTORY.size:
        remarks.append("the file is truncated: some of its streams are missing")
    return found


def _list(
    data: Buffer, streams: _Streams, kind: int, record: struct.Struct, most: int, before: int = 4
) -> Iterator[tuple[int, ...]]:
    """The records of a stream that begins with their count, and `before` bytes in all."""
    start, size = streams.get(kind, (0, 0))
    if size < before:
        return
    count = min(int.from_bytes(data[start : start + min(before, 8)], "little"), most)
    if before == 4 and size == 8 + count * record.size:  # aligned to 8, as some writers do
        before = 8
    end = min(start + before + count * record.size, start + size)
    table = data[start + before : end]
    yield from record.iter_unpack(table[: len(table) // record.size * record.size])


def _ranges(data: Buffer, streams: _Streams) -> Iterator[tuple[int, int, int]]:
    """Address, size and place in the file."""
    for fields in _list(data, streams, MEMORY, _RANGE, MOST_RANGES):
        yield fields[0], fields[1], fields[2]


def _ranges_64(data: Buffer, streams: _Streams) -> Iterator[tuple[int, int, int]]:
    """Their contents stand one after the other."""
    start, size = streams.get(MEMORY_64, (0, 0))
    if size < 16:
        return
    (offset,) = struct.unpack("<Q", data[start + 8 : start + 16])
    for address, length in _list(data, streams, MEMORY_64, _RANGE_64, MOST_RANGES, before=16):
        yield address, length, offset
        offset += length


class MinidumpNotes:
    """What a minidump has in place of a core's notes."""

    unmapped = Absent(Reason.NOT_DUMPED, "if it was mapped: a minidump does not record it")

    def __init__(self, data: Buffer, streams: _Streams, remarks: list[str]) -> None:
        self._data = data
        self._streams = streams
        self._names: dict[int, str] = {}
        self._room = _MOST_NAMES
        self._signal = self._death()
        self._registers: dict[tuple[int, int], dict[str, int] | None] = {}
        threads = [
            thread
            for fields in _list(data, streams, THREADS, _THREAD, MOST_THREADS)
            if (thread := self._thread(fields[0], fields[8], fields[9])) is not None
        ]
        guilty = self._signal[0] if self._signal else 0
        self.threads: list[ThreadNotes] = sorted(threads, key=lambda one: one.tid != guilty)
        if not threads:
            remarks.append("the file has no threads: registers and the signal are not known")

    def _death(self) -> tuple[int, int, int | None, int | None] | None:
        """Thread, signal, si_code and si_addr; None for what was not written down."""
        start, size = self._streams.get(EXCEPTION, (0, 0))
        if size < _ERROR.size:
            return None
        fields = _ERROR.unpack(self._data[start : start + _ERROR.size])
        thread, _, signal, flags, _, address, _, _, said = fields
        if flags != _LLDB:
            # LLDB before 20 writes the PC for the address, and nothing here.
            return (thread, signal, flags, address) if flags else (thread, signal, None, None)
        found = _ADDRESS.search(said)
        code = next((code for words, code in _SEGV if signal == 11 and words in said), None)
        return thread, signal, code, int(found[1], 16) if found else None

    def _thread(self, tid: int, size: int, offset: int) -> ThreadNotes | None:
        place = offset, size
        if place not in self._registers:  # a context may be said to be that of many threads
            self._registers[place] = self._context(size, offset)
        registers = self._registers[place]
        if registers is None:
            return None
        mine = self._signal is not None and self._signal[0] == tid
        signal = self._signal[1] if self._signal is not None and mine else 0
        return ThreadNotes(tid, signal & 0x7F, registers)

    def _context(self, size: int, offset: int) -> dict[str, int] | None:
        """Registers; None where they are not all there."""
        context = self._data[offset : offset + min(size, _MOST_CONTEXT)]
        if len(context) < _CONTEXT.size:
            return None
        (flags,) = struct.unpack_from("<I", context)
        at = _PSTATE_OF_BREAKPAD if flags & _OF_BREAKPAD else _PSTATE
        (pstate,) = struct.unpack_from("<I", context, at)
        values = (*_CONTEXT.unpack_from(context), pstate)
        return dict(zip(notes.REGISTER_NAMES, values, strict=True))

    def of_thread(self, thread: ThreadNotes, kind: int, _layout: str) -> tuple[int, ...] | None:
        """The siginfo of who died; None for every other note of a core."""
        if kind != notes.NT_SIGINFO or self._signal is None or self._signal[0] != thread.tid:
            return None
        _, signal, code, address = self._signal
        if code is None or address is None:
            return None
        return signal & 0x7F, 0, code, 0, address

    def process(self) -> tuple[int, str] | None:
        """Process id and program name."""
        start, size = self._streams.get(MISC, (0, 0))
        if size < 12:
            return None
        _, known, pid = struct.unpack("<III", self._data[start : start + 12])
        program = next(self._modules(), None)
        name = program.name.rsplit("/", 1)[-1] if program else ""
        return (pid & 0x7FFFFFFF, name) if known & 1 else None

    def auxv(self) -> dict[int, int]:
        """The auxiliary vector; where the writer did not keep it, where the program must be.

        The program is the first module, and its headers stand after the ELF header.
        """
        start, size = self._streams.get(LINUX_AUXV, (0, 0))
        vector = notes.auxv_in(self._data[start : start + min(size, notes.MAX_AUXV)])
        if not vector and (program := next(self._modules(), None)):
            vector[notes.AT_PHDR] = program.start + elf.FILE_HEADER.size
        return vector

    def files(self) -> list[FileMapping]:
        """The modules, in order of address."""
        return sorted(self._modules(), key=lambda mapping: mapping.start)

    def _modules(self) -> Iterator[FileMapping]:
        modules = _list(self._data, self._streams, MODULES, _MODULE, MOST_MODULES)
        for base, size, _, _, name, id_size, id_offset in modules:
            if size and base + size < 1 << 56:
                identity = self._data[id_offset : id_offset + min(id_size, 4 + 64)]
                build_id = identity[4:] if identity[:4] == _BUILD_ID else b""
                yield FileMapping(base, base + size, 0, self._text(name), build_id)

    def _text(self, offset: int) -> str:
        """The name at `offset`, which many modules may share; none where all are too long."""
        found = self._names.get(offset)
        if found is None:
            found = self._names[offset] = self._name(offset) if self._room > 0 else ""
            self._room -= len(found)
        return found

    def _name(self, offset: int) -> str:
        size = min(int.from_bytes(self._data[offset : offset + 4], "little"), PATH_MAX * 2)
        raw = self._data[offset + 4 : offset + 4 + size]
        text = raw[: len(raw) // 2 * 2].decode("utf-16-le", "replace")
        return "" if text.startswith("[vdso]") else text.partition("\0")[0]
