"""Files that are small and speak of much: the same bytes are followed again and again.

Each function makes one, of a size that grows with its `scale`: 1.0 is what was found to take
gigabytes and minutes from a reader that has limits for each part and none for the whole.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support import runtime_image
from tests.support.elf_core import (
    ET_CORE,
    ET_DYN,
    PAGE,
    PHDR_SIZE,
    PN_XNUM,
    Core,
    MappedFile,
    R,
    ThreadNotes,
    W,
    X,
    file_header,
    note,
    pack_tags,
    program_header,
)
from tests.support.minidumps import ARM64, HEAP
from tests.support.runtime_image import BASE, ROOT_CHECKED
from tests.support.tombstones import number, part

PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_MEMTAG = 1, 2, 4, 0x70000002
LOWEST = 0x4000_0000


@dataclass
class Parts:
    """A core whose headers may name the same bytes."""

    contents: list[bytes] = field(default_factory=list)
    headers: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    size: int = 0

    def hold(self, data: bytes) -> int:
        """Puts `data` into the file; its place after the headers."""
        place = self.size
        self.contents.append(data)
        self.size += len(data)
        return place

    def header(self, kind: int, place: int, address: int, held: int, length: int = 0) -> None:
        """A program header for what is at `place`."""
        self.headers.append((kind, R | W | X, place, address, held, length or held))

    def build(self) -> bytes:
        """The file; more headers than the ELF header counts stand in a section's."""
        count = len(self.headers)
        start = 64 + count * PHDR_SIZE
        table = b"".join(
            program_header(kind, flags, start + place, address, held, length)
            for kind, flags, place, address, held, length in self.headers
        )
        whole = table + b"".join(self.contents)
        if count < PN_XNUM:
            return file_header(ET_CORE, headers=count) + whole
        first = struct.pack("<IIQQQQIIQQ", *[0] * 7, count, 0, 0)
        return file_header(ET_CORE, 183, PN_XNUM, 64 + len(whole), 1) + whole + first


def _notes(parts: Parts, data: bytes) -> None:
    parts.header(PT_NOTE, parts.hold(data), 0, len(data))


def _scaled(count: int, scale: float, least: int = 1) -> int:
    return max(least, int(count * scale))


def notes_over_each_other(scale: float) -> bytes:
    """Many note headers over the same threads."""
    parts = Parts()
    data = Core(threads=[ThreadNotes(tid) for tid in range(1, _scaled(2000, scale) + 1)]).notes()
    place = parts.hold(data)
    for _ in range(_scaled(60_000, scale)):
        parts.header(PT_NOTE, place, 0, len(data))
    return parts.build()


def notes_that_overlap_in_part(scale: float) -> bytes:
    """Each begins one note later than the one before."""
    parts = Parts()
    one = ThreadNotes(7).notes()
    count = _scaled(2000, scale)
    place = parts.hold(one * count)
    for first in range(count):
        parts.header(PT_NOTE, place + first * len(one), 0, (count - first) * len(one))
    return parts.build()


def empty_notes(scale: float) -> bytes:
    """Nothing but the shortest notes there are, over each other."""
    parts = Parts()
    data = bytes(12) * _scaled(1 << 20, scale)
    place = parts.hold(data)
    for _ in range(_scaled(1000, scale)):
        parts.header(PT_NOTE, place, 0, len(data))
    return parts.build()


def many_headers(scale: float) -> bytes:
    """A million program headers over one page."""
    parts = Parts()
    _notes(parts, Core().notes())
    place = parts.hold(b"p" * PAGE)
    for index in range(_scaled(1_000_000, scale)):
        parts.header(PT_LOAD, place, LOWEST + index * 2 * PAGE, PAGE)
    return parts.build()


def _dynamic(symbols: int, strings: int, size: int, table: int) -> bytes:
    pairs = [(6, symbols), (5, strings), (10, size), (4, table), (0, 0)]
    return b"".join(struct.pack("<QQ", *pair) for pair in pairs)


def images_that_share_symbols(scale: float) -> bytes:
    """Libraries whose dynamic sections all name one table of a million symbols."""
    count, images = _scaled(1 << 20, scale), _scaled(2000, scale, 2)
    entries = b"".join(
        struct.pack("<IBBHQQ", 1 + index % 50, 0x12, 0, 1, index * 16, 16) for index in range(count)
    )
    strings = b"\0" + b"function_" * 8 + b"\0"
    parts = Parts()
    table = 0x60_0000_0000
    shared = entries + strings + struct.pack("<II", 1, count)
    parts.header(PT_LOAD, parts.hold(shared.ljust(-(-len(shared) // PAGE) * PAGE, b"\0")),
                 table, -(-len(shared) // PAGE) * PAGE)  # fmt: skip
    at_strings = table + len(entries)
    section = _dynamic(table, at_strings, len(strings), at_strings + len(strings))
    loads = [
        program_header(PT_LOAD, R | X, 0, 0, PAGE, PAGE),
        program_header(PT_DYNAMIC, R, 1024, 1024, len(section), len(section)),
    ]
    head = (file_header(ET_DYN, 183, len(loads)) + b"".join(loads)).ljust(1024, b"\0") + section
    place = parts.hold(head.ljust(PAGE, b"\0"))
    first = 0x10_0000_0000
    files = []
    for index in range(images):
        address = first + index * 4 * PAGE
        parts.header(PT_LOAD, place, address, PAGE)
        files.append(MappedFile(address, address + PAGE, 0, f"/lib/lib{index}.so"))
    frames = b"".join(
        struct.pack("<QQ", 0x20_0000_0010 + index * 16, first + index * 4 * PAGE + 8)
        for index in range(images)
    )
    parts.header(PT_LOAD, parts.hold(frames.ljust(64 * PAGE, b"\0")), 0x20_0000_0000, 64 * PAGE)
    thread = ThreadNotes(
        1, {"pc": first + 8, "x29": 0x20_0000_0000, "sp": 0x20_0000_0000}, siginfo=(11, 1, 8)
    )
    _notes(parts, Core(threads=[thread], files=files, auxv={3: first + 64}).notes())
    return parts.build()


def long_names(scale: float) -> bytes:
    """One mapping with a name of megabytes, in thousands of rows."""
    parts = Parts()
    rows = _scaled(5000, scale)
    place = parts.hold(b"n" * PAGE)
    for index in range(rows):
        parts.header(PT_LOAD, place, LOWEST + index * PAGE, PAGE)
    files = [MappedFile(LOWEST, LOWEST + rows * PAGE, 0, "/" + "long" * _scaled(1 << 20, scale))]
    thread = ThreadNotes(1, {"pc": LOWEST + 8, "sp": LOWEST}, siginfo=(11, 9, LOWEST))
    _notes(parts, Core(threads=[thread], files=files).notes())
    return parts.build()


def names_at_path_max(scale: float) -> bytes:
    """As many files as a core may name, each with a name of the longest."""
    parts = Parts()
    rows = _scaled(16_000, scale)
    place = parts.hold(b"n" * PAGE)
    name = "/" + "name" * 1023
    files = []
    for index in range(rows):
        start = LOWEST + index * 2 * PAGE
        parts.header(PT_LOAD, place, start, PAGE)
        files.append(MappedFile(start, start + PAGE, 0, name))
    thread = ThreadNotes(1, {"pc": LOWEST + 8, "sp": LOWEST}, siginfo=(11, 9, LOWEST))
    _notes(parts, Core(threads=[thread], files=files).notes())
    return parts.build()


def threads_with_the_same_stack(scale: float) -> bytes:
    """Tens of thousands of threads, each with the same deep chain of frames."""
    parts = Parts()
    depth = _scaled(4000, scale)
    frames = b"".join(
        struct.pack("<QQ", LOWEST + (index + 1) * 16, 0x5000_0000 + 8 * index)
        for index in range(depth)
    )
    parts.header(PT_LOAD, parts.hold(frames), LOWEST, len(frames))
    text = b"\x00\x00\x00\x94" * (depth * 2 + 1024)
    parts.header(PT_LOAD, parts.hold(text), 0x5000_0000, len(text))
    registers = {"pc": 0x5000_0004, "x29": LOWEST, "sp": LOWEST}
    _notes(parts, Core(
        threads=[ThreadNotes(tid, registers) for tid in range(1, _scaled(30_000, scale) + 1)]
    ).notes())  # fmt: skip
    return parts.build()


def tags_over_each_other(scale: float) -> bytes:
    """Thousands of tag segments whose tags are the same bytes."""
    parts = Parts()
    granules = _scaled(1 << 18, scale)
    tags = parts.hold(pack_tags(bytes(index % 15 + 1 for index in range(granules))))
    memory = parts.hold(bytes(PAGE))
    span = granules * 16
    for index in range(_scaled(4000, scale)):
        start = LOWEST + index * span
        parts.header(PT_LOAD, memory, start, PAGE, span)
        parts.header(PT_MEMTAG, tags, start, granules // 2, span)
    thread = ThreadNotes(
        1, {"pc": LOWEST, "x0": 3 << 56 | LOWEST, "sp": LOWEST},
        siginfo=(11, 9, 3 << 56 | LOWEST), control=0x7FFF3,
    )  # fmt: skip
    _notes(parts, Core(threads=[thread]).notes())
    return parts.build()


def million_records(scale: float) -> bytes:
    """A runtime's tables of a million records each, over the same bytes, with right checksums."""
    made = runtime_image.image()
    count = _scaled(1_000_000, scale)
    data = bytearray(made.data)
    for name, place in made.places.items():
        if not name.endswith(".buffer0") and not name.endswith(".buffer1"):
            continue
        at = place - BASE
        stride = int.from_bytes(data[at + 16 : at + 20], "little") or 64
        size = min(count, (1 << 24) // stride) * stride
        begin = len(data) + -len(data) % 16
        head = bytes(data[at : at + 24])
        old = int.from_bytes(head[8:12], "little")
        records = bytes(data[at + 24 : at + 24 + max(1, old) * stride])
        body = (records * (size // max(1, len(records)) + 1))[:size]
        header = bytearray(head)
        header[8:12] = (size // stride).to_bytes(4, "little")
        header[12:16] = (size // stride).to_bytes(4, "little")
        header[20:24] = zlib.crc32(body).to_bytes(4, "little")
        data.extend(bytes(begin - len(data)))
        data.extend(header + body + head[:8])
        for where in range(0, len(made.data) - 8, 8):
            if int.from_bytes(data[where : where + 8], "little") == place:
                data[where : where + 8] = (BASE + begin).to_bytes(8, "little")
    start = made.places["root"] - BASE
    data[start + ROOT_CHECKED : start + ROOT_CHECKED + 4] = zlib.crc32(
        data[start : start + ROOT_CHECKED]
    ).to_bytes(4, "little")
    parts = Parts()
    parts.header(PT_LOAD, parts.hold(bytes(data)), BASE, len(data))
    registers = {"pc": made.places["baseline"] + 0x14, "x27": 2, "x28": made.places["frame2"]}
    thread = ThreadNotes(100, {**registers, "sp": BASE + 64}, siginfo=(11, 9, BASE | 3 << 56))
    _notes(parts, Core(threads=[thread]).notes())
    return parts.build()


def _minidump(streams: Sequence[tuple[int, int, int]], contents: bytes) -> bytes:
    """A minidump of streams, each a kind with its place and size in `contents`."""
    start = 32 + 12 * len(streams)
    directory = b"".join(
        struct.pack("<III", kind, size, start + place) for kind, place, size in streams
    )
    header = struct.pack("<4sIIIIIQ", b"MDMP", 0xA793, len(streams), 32, 0, 0, 0)
    return header + directory + contents


def minidump_that_shares(scale: float) -> bytes:
    """Threads with one context, modules with one name of the longest, memory over itself."""
    count = _scaled(60_000, scale)
    kinds = 5
    start = 32 + 12 * kinds
    context = struct.pack("<Q33QI", 0x80000006, *[HEAP] * 33, 0).ljust(65_000, b"\0")
    raw = ("/" + "n" * 4095).encode("utf-16-le")
    blob = context + struct.pack("<I", len(raw)) + raw + b"\0\0"
    name = start + len(context)
    machine = struct.pack("<H", ARM64).ljust(56, b"\0")
    threads = struct.pack("<I", count) + b"".join(
        struct.pack("<IIIIQQIIII", tid, 0, 0, 0, 0, 0, 0, 0, len(context), start)
        for tid in range(1, count + 1)
    )
    modules = struct.pack("<I", count) + b"".join(
        struct.pack("<QIIII52xII24x", LOWEST + index * PAGE, PAGE, 0, 0, name, 0, 0)
        for index in range(count)
    )
    memory = struct.pack("<I", count) + b"".join(
        struct.pack("<QII", LOWEST + index * PAGE, PAGE, start) for index in range(count)
    )
    error = struct.pack("<IIIIQQII120s", 1, 0, 11, 0x4C4C4442, 0, 0, 1, 0, b"SIGSEGV")
    streams, contents = [], blob
    for kind, data in (
        (7, machine), (3, threads), (4, modules), (5, memory),
        (6, error + struct.pack("<II", 800, start)),
    ):  # fmt: skip
        streams.append((kind, len(contents), len(data)))
        contents += data
    return _minidump(streams, contents)


def tombstone_of_frames(scale: float) -> bytes:
    """Threads, calls and mappings with long names."""
    name = part(4, "f" * 16_000)
    frames = b"".join(part(4, number(2, 64) + name) for _ in range(_scaled(1000, scale)))
    body = part(16, number(1, 7) + part(2, number(1, 7) + part(2, "main") + frames))
    mappings = b"".join(
        part(17, number(1, (1 + index) << 13) + number(2, ((1 + index) << 13) + PAGE)
             + part(7, "m" * 4000))
        for index in range(_scaled(4000, scale))
    )  # fmt: skip
    return number(1, 1) + part(2, "build") + number(5, 7) + number(6, 7) + body + mappings


AMPLIFIED: dict[str, Callable[[float], bytes]] = {
    one.__name__: one
    for one in (
        notes_over_each_other, notes_that_overlap_in_part, empty_notes, many_headers,
        images_that_share_symbols, long_names, names_at_path_max, threads_with_the_same_stack,
        tags_over_each_other, million_records, minidump_that_shares, tombstone_of_frames,
    )
}  # fmt: skip

__all__ = ["AMPLIFIED", "Parts", "note"]
