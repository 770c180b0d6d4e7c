"""Writes tombstones: of any content, and of a core what crash_dump would have kept of the process.

The numbers are those of AOSP's tombstone.proto; the writer shares nothing with the reader.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mtedbg.adapters.core import CoreTarget
from mtedbg.model.absent import Absent
from mtedbg.model.pointer import GRANULE, strip

AROUND = 256
ARM64 = 1


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def number(field_number: int, value: int) -> bytes:
    """A numeric field; left out where 0, as proto3 has it."""
    return varint(field_number << 3) + varint(value) if value else b""


def part(field_number: int, contents: bytes | str) -> bytes:
    """A text, bytes or message."""
    data = contents.encode() if isinstance(contents, str) else contents
    return varint(field_number << 3 | 2) + varint(len(data)) + data


@dataclass
class Frame:
    pc: int
    function: str = ""
    function_offset: int = 0
    file: str = "/system/lib64/libc.so"
    offset: int = 0x100

    def build(self) -> bytes:
        written = number(1, self.offset) + number(2, self.pc)
        written += part(4, self.function) if self.function else b""
        return written + number(5, self.function_offset) + part(6, self.file) + part(8, "abcd")


@dataclass
class Dump:
    register: str
    start: int
    memory: bytes
    tags: bytes = b""

    def build(self) -> bytes:
        written = part(1, self.register) + number(3, self.start) + part(4, self.memory)
        return written + (part(6, part(1, self.tags)) if any(self.tags) else b"")


@dataclass
class Thread:
    tid: int
    name: str = "main"
    registers: dict[str, int] = field(default_factory=dict)
    frames: Sequence[Frame] = ()
    dumps: Sequence[Dump] = ()
    control: int = 0
    notes: Sequence[str] = ()
    keys: int = 0
    unreadable: Sequence[str] = ()

    def build(self) -> bytes:
        written = number(1, self.tid) + part(2, self.name)
        written += b"".join(part(7, note) for note in self.notes) + number(8, self.keys)
        written += b"".join(part(9, file) for file in self.unreadable)
        for name, value in self.registers.items():
            written += part(3, part(1, name) + number(2, value))
        written += b"".join(part(4, frame.build()) for frame in self.frames)
        written += b"".join(part(5, dump.build()) for dump in self.dumps)
        return written + number(6, self.control)


@dataclass
class Mapping:
    start: int
    end: int
    perms: str
    name: str = ""
    offset: int = 0

    def build(self) -> bytes:
        flags = (number(4 + at, letter in self.perms) for at, letter in enumerate("rwx"))
        written = number(1, self.start) + number(2, self.end) + number(3, self.offset)
        return written + b"".join(flags) + part(7, self.name)


@dataclass
class Tombstone:
    threads: Sequence[Thread] = ()
    guilty: int = 1
    signal: tuple[int, int, int | None] = (11, 9, 0)
    mappings: Sequence[Mapping] = ()
    causes: Sequence[bytes] = ()
    abort: str = ""
    arch: int = ARM64
    timestamp: str = "2024-03-02 10:00:00.500000000+0100"
    guests: Sequence[Thread] = ()
    guest: int | None = None
    details: Sequence[tuple[str, str]] = ()
    files: Sequence[tuple[int, str, str, int]] = ()
    records: Sequence[tuple[Frame, int, int]] = ()
    logs: Sequence[tuple[str, Sequence[str]]] = ()
    page_size: int = 0
    was_16k: bool = False
    selinux: str = ""
    sender: tuple[int, int] | None = None

    def build(self) -> bytes:
        number_, code, address = self.signal
        signal = number(1, number_) + number(3, code)
        if address is not None:
            signal += number(8, 1) + number(9, address)
        if self.sender is not None:
            signal += number(5, 1) + number(6, self.sender[1]) + number(7, self.sender[0])
        written = number(1, self.arch) + part(2, "google/husky/husky:14") + part(4, self.timestamp)
        written += number(5, 1) + number(6, self.guilty) + part(9, "/system/bin/guilty")
        written += part(10, signal) + (part(14, self.abort) if self.abort else b"")
        written += b"".join(part(15, cause) for cause in self.causes)
        for thread in self.threads:
            written += part(16, number(1, thread.tid) + part(2, thread.build()))
        for thread in self.guests:
            written += part(25, number(1, thread.tid) + part(2, thread.build()))
        if self.guest is not None:
            written += varint(24 << 3) + varint(self.guest)
        for name, data in self.details:
            written += part(21, part(1, name) + part(2, data))
        for fd, path, owner, tag in self.files:
            written += part(19, number(1, fd) + part(2, path) + part(3, owner) + number(4, tag))
        if self.records:
            entries = (
                part(2, part(1, frame.build()) + number(2, place) + number(3, tag))
                for frame, place, tag in self.records
            )
            written += part(26, number(1, self.guilty) + b"".join(entries))
        for name, lines in self.logs:
            written += part(18, part(1, name) + b"".join(map(_log_line, lines)))
        written += number(22, self.page_size) + number(23, self.was_16k)
        written += part(8, self.selinux) if self.selinux else b""
        return written + b"".join(part(17, mapping.build()) for mapping in self.mappings)


def _log_line(message: str) -> bytes:
    line = part(1, "03-02 10:00:00.400") + number(2, 1) + number(3, 1) + number(4, 6)
    return part(2, line + part(5, "libc") + part(6, message))


def memory_error(
    text: str,
    kind: int,
    heap: tuple[int, int],
    frames: Iterable[Frame],
    freed: tuple[int, Iterable[Frame]] | None = None,
    tool: int = 1,
) -> bytes:
    """A cause by Scudo (GWP-ASan: 0), with the backtraces of who allocated and freed the memory."""
    address, size = heap
    chain = b"".join(part(4, frame.build()) for frame in frames)
    if freed is not None:
        chain += number(5, freed[0]) + b"".join(part(6, frame.build()) for frame in freed[1])
    error = number(1, tool) + number(2, kind)
    error += part(3, number(1, address) + number(2, size) + number(3, 7) + chain)
    return part(1, text) + part(2, error)


def of_core(core: CoreTarget) -> Tombstone:
    """What crash_dump would have written of the process that left `core`."""
    threads = []
    for thread in core.threads():
        registers = core.registers(thread)
        assert not isinstance(registers, Absent)
        renamed = {"x30": "lr", "pstate": "pst"}
        named = {renamed.get(name, name): value for name, value in registers.items()}
        named.pop("tpidr", None)
        dumps = _dumps(core, named) if thread.current else []
        control = thread.tagged_addr_ctrl
        word = 0 if isinstance(control, Absent) else control
        pc = registers["pc"]
        threads.append(Thread(thread.tid, thread.name, named, [Frame(pc)], dumps, word))
    signal = core.signal(core.threads()[0])
    assert not isinstance(signal, Absent)
    assert isinstance(signal.code, int)
    address = None if isinstance(signal.address, Absent) else signal.address
    regions = core.regions()
    assert not isinstance(regions, Absent)
    mappings = [Mapping(one.start, one.end, one.perms, one.name) for one in regions]
    guilty = threads[0].tid
    return Tombstone(threads, guilty, (signal.number, signal.code, address), mappings)


def _dumps(core: CoreTarget, registers: dict[str, int]) -> list[Dump]:
    found = []
    for name, value in registers.items():
        start = strip(value & ~(GRANULE - 1))
        start -= 32 if start >= 4128 else 0
        data = core.read_memory(start, AROUND)
        if not isinstance(data, Absent):
            tags = b"".join(
                bytes(piece.granules) if isinstance(piece.tags, Absent) else piece.tags
                for piece in core.read_tags(start, start + AROUND)
            )
            found.append(Dump(name, start, data, tags))
    return found
