"""Writes small ELF cores and images by description, so that tests can also write wrong ones.

What a kernel writes is checked elsewhere, against real cores: this file and the reader may agree
on a mistake.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field
from pathlib import Path

ET_EXEC, ET_DYN, ET_CORE = 2, 3, 4
PT_LOAD, PT_NOTE, PT_MEMTAG = 1, 4, 0x70000002
R, W, X = 4, 2, 1
PAGE = 4096
PHDR_SIZE = 56
PN_XNUM = 0xFFFF


@dataclass
class Load:
    """A memory segment: `data` is dumped of `size` bytes (all of `data` where left out)."""

    start: int
    data: bytes = b""
    size: int | None = None
    flags: int = R | W


@dataclass
class Tagged:
    """A tag segment: one byte a granule, or None where they were not dumped."""

    start: int
    tags: bytes | None
    granules: int | None = None


@dataclass
class ThreadNotes:
    tid: int = 100
    registers: dict[str, int] = field(default_factory=dict)
    signal: int = 11
    siginfo: tuple[int, int, int] | None = None
    tls: int | None = None
    pac_mask: int | None = None
    control: int | None = None
    overlays: int | None = None
    shadow_stack: tuple[int, int, int] | None = None
    vectors: bytes | None = None  # struct user_fpsimd_state

    def notes(self) -> bytes:
        names = [*(f"x{n}" for n in range(31)), "sp", "pc", "pstate"]
        values = [self.registers.get(name, 0) for name in names]
        status = struct.pack("<iiihxxQQi", 0, 0, 0, self.signal, 0, 0, self.tid)
        status = status.ljust(112, b"\0") + struct.pack("<34Q", *values)
        written = note(b"CORE", 1, status.ljust(392, b"\0"))
        if self.vectors is not None:
            written += note(b"CORE", 2, self.vectors)
        if self.siginfo is not None:
            number, code, address = self.siginfo
            info = struct.pack("<iiiiQ", number, 0, code, 0, address).ljust(128, b"\0")
            written += note(b"CORE", 0x53494749, info)
        if self.tls is not None:
            written += note(b"LINUX", 0x401, struct.pack("<QQ", self.tls, 0))
        if self.pac_mask is not None:
            written += note(b"LINUX", 0x406, struct.pack("<QQ", self.pac_mask, self.pac_mask))
        if self.control is not None:
            written += note(b"LINUX", 0x409, struct.pack("<Q", self.control))
        if self.overlays is not None:
            written += note(b"LINUX", 0x40F, struct.pack("<Q", self.overlays))
        if self.shadow_stack is not None:
            written += note(b"LINUX", 0x410, struct.pack("<3Q", *self.shadow_stack))
        return written


@dataclass
class MappedFile:
    start: int
    end: int
    offset: int
    name: str


@dataclass
class Core:
    """A core file in the order that the kernel writes: notes, memory, tags."""

    loads: list[Load] = field(default_factory=list)
    tagged: list[Tagged] = field(default_factory=list)
    threads: list[ThreadNotes] = field(default_factory=lambda: [ThreadNotes()])
    files: list[MappedFile] = field(default_factory=list)
    auxv: dict[int, int] = field(default_factory=dict)
    process: tuple[int, str] | None = (100, "guilty")
    machine: int = 183
    type: int = ET_CORE

    def notes(self) -> bytes:
        first, *others = [thread.notes() for thread in self.threads] or [b""]
        written = first
        if self.process is not None:
            pid, name = self.process
            info = struct.pack("<16xiiiiiii", 0, 0, pid, 0, 0, 0, 0)[:40]
            written += note(b"CORE", 3, (info + os.fsencode(name)).ljust(136, b"\0"))
        if self.auxv:
            pairs = [*self.auxv.items(), (0, 0)]
            vector = b"".join(struct.pack("<QQ", *pair) for pair in pairs)
            written += note(b"CORE", 6, vector)
        if self.files:
            table = struct.pack("<QQ", len(self.files), PAGE)
            for file in self.files:
                table += struct.pack("<QQQ", file.start, file.end, file.offset // PAGE)
            names = b"".join(os.fsencode(file.name) + b"\0" for file in self.files)
            written += note(b"CORE", 0x46494C45, table + names)
        return written + b"".join(others)

    def build(self) -> bytes:
        notes = self.notes()
        count = len(self.loads) + len(self.tagged) + bool(notes)
        position = 64 + count * PHDR_SIZE
        headers, contents = [], [notes]
        if notes:
            headers.append(program_header(PT_NOTE, 0, position, 0, len(notes), 0))
        position += len(notes)
        for load in self.loads:
            size = len(load.data) if load.size is None else load.size
            headers.append(
                program_header(PT_LOAD, load.flags, position, load.start, len(load.data), size)
            )
            contents.append(load.data)
            position += len(load.data)
        for tagged in self.tagged:
            packed = b"" if tagged.tags is None else pack_tags(tagged.tags)
            granules = tagged.granules or len(tagged.tags or b"")
            headers.append(
                program_header(PT_MEMTAG, 0, position, tagged.start, len(packed), granules * 16)
            )
            contents.append(packed)
            position += len(packed)
        whole = b"".join([*headers, *contents])
        if count < PN_XNUM:
            return file_header(self.type, self.machine, count) + whole
        # The first section header has the true count.
        start = file_header(self.type, self.machine, PN_XNUM, 64 + len(whole), 1)
        return start + whole + struct.pack("<IIQQQQIIQQ", *[0] * 7, count, 0, 0)

    def write(self, folder: Path, name: str = "core") -> Path:
        path = folder / name
        path.write_bytes(self.build())
        return path


def note(owner: bytes, kind: int, contents: bytes) -> bytes:
    owner += b"\0"
    written = struct.pack("<III", len(owner), len(contents), kind) + owner
    return written + b"\0" * (-len(written) % 4) + contents + b"\0" * (-len(contents) % 4)


def pack_tags(tags: bytes) -> bytes:
    """Two tags a byte, the first in the low nibble."""
    padded = tags + b"\0" * (len(tags) % 2)
    pairs = zip(padded[0::2], padded[1::2], strict=True)
    return bytes(low | high << 4 for low, high in pairs)


def file_header(
    kind: int,
    machine: int = 183,
    headers: int = 0,
    sections: int = 0,
    section_count: int = 0,
    entry: int = 0,
) -> bytes:
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    return identity + struct.pack(
        "<HHIQQQIHHHHHH",
        kind, machine, 1, entry, 64 if headers else 0, sections, 0, 64, PHDR_SIZE, headers, 64,
        section_count, 0,
    )  # fmt: skip


def program_header(
    kind: int, flags: int, offset: int, address: int, file_size: int, memory_size: int
) -> bytes:
    return struct.pack("<IIQQQQQQ", kind, flags, offset, address, 0, file_size, memory_size, 1)


def with_memory(core: bytes, start: int, contents: bytes) -> bytes:
    """`core` with one more writable mapping, in front of its others.

    Args:
        core: an ELF core of 64 bits, little end first.
        start: where the mapping begins.
        contents: all of it.
    """
    count = struct.unpack_from("<H", core, 56)[0]
    table = [bytearray(core[64 + PHDR_SIZE * at :][:PHDR_SIZE]) for at in range(count)]
    for header in table:
        (offset,) = struct.unpack_from("<Q", header, 8)
        struct.pack_into("<Q", header, 8, offset + PHDR_SIZE)
    # Behind the notes, which come first.
    size = len(contents)
    mapping = struct.pack("<IIQQQQQQ", PT_LOAD, 6, len(core) + PHDR_SIZE, start, 0, size, size, 1)
    table.insert(1, bytearray(mapping))
    whole = bytearray(core[:64])
    struct.pack_into("<H", whole, 56, count + 1)
    return bytes(whole) + b"".join(table) + core[64 + PHDR_SIZE * count :] + contents


def patched(core: bytes, index: int, **fields: int) -> bytes:
    """The core with fields of one program header replaced."""
    names = ("type", "flags", "offset", "address", "physical", "file_size", "memory_size", "align")
    place = 64 + index * PHDR_SIZE
    values = list(struct.unpack_from("<IIQQQQQQ", core, place))
    for name, value in fields.items():
        values[names.index(name)] = value
    return core[:place] + struct.pack("<IIQQQQQQ", *values) + core[place + PHDR_SIZE :]


def with_header(core: bytes, **fields: int) -> bytes:
    """The core with fields of its ELF header replaced."""
    places = {"type": (16, "<H"), "machine": (18, "<H"), "phoff": (32, "<Q")}
    places |= {"phentsize": (54, "<H"), "phnum": (56, "<H"), "shoff": (40, "<Q")}
    changed = bytearray(core)
    for name, value in fields.items():
        offset, layout = places[name]
        struct.pack_into(layout, changed, offset, value)
    return bytes(changed)


@dataclass
class ImageFile:
    """An executable: page 0 has the headers, page 1 is text, page 2 writable data."""

    build_id: bytes = b"\x11" * 20
    text: bytes = b"\x1f\x20\x03\xd5" * 64
    data: bytes = b"data" * 16
    symbols: dict[str, tuple[int, int]] = field(default_factory=dict)
    symbol_kind: int = 2  # STT_FUNC

    def build(self) -> bytes:
        identity = note(b"GNU", 3, self.build_id) if self.build_id else b""
        headers = [
            program_header(PT_LOAD, R | X, 0, 0, 2 * PAGE, 2 * PAGE),
            program_header(PT_LOAD, R | W, 2 * PAGE, 2 * PAGE, PAGE, 2 * PAGE),
        ]
        place = 64 + (len(headers) + 1) * PHDR_SIZE
        headers.append(program_header(PT_NOTE, R, place, place, len(identity), len(identity)))
        strings, table = b"\0", b"\0" * 24
        for name, (value, size) in self.symbols.items():
            table += struct.pack(
                "<IBBHQQ", len(strings), 0x10 | self.symbol_kind, 0, 1, value, size
            )
            strings += os.fsencode(name) + b"\0"
        sections = b"\0" * 64
        sections += section(2, 3 * PAGE, len(table), 2, 24)
        sections += section(3, 3 * PAGE + len(table), len(strings), 0, 0)
        tables = table + strings
        start = file_header(ET_DYN, 183, len(headers), 3 * PAGE + len(tables), 3, PAGE)
        first = (start + b"".join(headers) + identity).ljust(PAGE, b"\0")
        whole = first + self.text.ljust(PAGE, b"\0") + self.data.ljust(PAGE, b"\0")
        return whole + tables + sections

    def write(self, folder: Path, name: str = "program") -> Path:
        path = folder / name
        path.write_bytes(self.build())
        return path


def section(kind: int, offset: int, size: int, link: int, entry: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", 0, kind, 0, 0, offset, size, link, 0, 8, entry)
