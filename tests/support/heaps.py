"""Heaps as allocators lay them out, byte by byte, for tests that need no kernel."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from mtedbg.model.memory import Region
from mtedbg.model.pointer import GRANULE
from tests.support.fake import FakeTarget

START, SIZE = 0xFFFF_8000_2000, 0x4000
IN_USE = 1
FREED, TOP = 0, 0


class Layout:
    """Bytes and tags that grow together, a granule at a time."""

    def __init__(self, start: int = START) -> None:
        self.start = start
        self.memory, self.tags = bytearray(), bytearray()

    @property
    def end(self) -> int:
        """Where the next granule will be."""
        return self.start + len(self.memory)

    def add(self, data: bytes, tag: int) -> None:
        """Adds bytes, filled up to whole granules, with one tag."""
        data += bytes(-len(data) % GRANULE)
        self.memory += data
        self.tags += bytes([tag]) * (len(data) // GRANULE)

    def target(self, name: str = "", size: int = SIZE) -> FakeTarget:
        """A process with this in one mapping of `size` bytes."""
        self.add(bytes(size - len(self.memory)), 0)
        return FakeTarget(
            memory={self.start: bytes(self.memory)},
            tags={self.start: bytes(self.tags)},
            mappings=[Region(self.start, self.end, "rw-", name, tagged=True)],
        )


def glibc_heap(
    chunks: Sequence[tuple[int, int]], *, damage: int = 0, start: int = START, size: int = SIZE
) -> Layout:
    """Chunks of glibc's: bytes of user data and tag; after them the top, which is not tagged.

    A chunk with tag 0 is in a bin: the one after it says that it is free.
    """
    layout, before_free = Layout(start), False
    for user, tag in [*chunks, (0, TOP)]:
        whole = user + 16 if user else size - len(layout.memory)
        flags = 0 if before_free else IN_USE
        layout.add(struct.pack("<QQ", 0, (whole | flags) ^ damage), 0)
        layout.add(bytes(whole - 16), tag)
        before_free = tag == FREED and user > 0
    return layout


def crc32c(crc: int, value: int) -> int:
    """The CRC32CX instruction, a bit at a time."""
    crc ^= value
    for _ in range(64):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc


def bsd(total: int, value: int) -> int:
    """Scudo's checksum where the processor has no instruction for a CRC."""
    for byte in value.to_bytes(8, "little"):
        total = ((total >> 1 | (total & 1) << 15) + byte) & 0xFFFF
    return total


def scudo_header(
    cookie: int,
    user: int,
    *,
    class_id: int,
    state: int,
    size: int,
    offset: int = 0,
    crc: bool = True,
) -> bytes:
    """A chunk header of Scudo's for the memory at `user`, its tag kept: 16 bytes."""
    bare = class_id | state << 8 | size << 12 | offset >> 4 << 32
    if crc:
        total = crc32c(crc32c(cookie, user), bare)
        total = (total ^ total >> 16) & 0xFFFF
    else:
        total = bsd(bsd(cookie & 0xFFFF, user), bare)
    return struct.pack("<QQ", bare | total << 48, 0)


def scudo_heap(
    blocks: Sequence[tuple[int, int, int]],
    *,
    block: int = 80,
    cookie: int = 0x1234_5678,
    crc: bool = True,
) -> Layout:
    """Blocks of one class of Scudo's: bytes asked for, tag, state (0 free, 1 in use, 2 in
    quarantine)."""
    layout = Layout()
    for size, tag, state in blocks:
        user = layout.end + 16
        layout.add(scudo_header(cookie, user, class_id=5, state=state, size=size, crc=crc), 0)
        layout.add(bytes(size), tag)
        layout.add(bytes(block - 16 - (size + 15) // 16 * 16), 0)
    return layout


HARDENED_PAGE = 0xFFFF_7000_0000
SLABS = 0x1_0000_0000_0000 >> 4
CLASS_REGION = 1 << 23
_CLASS, _RECORDS = 192, 0xFFFF_6000_0000
_CLASS_COUNT = 49


def hardened_target(
    number: int,
    size: int,
    slots: Sequence[tuple[str, int]],
    *,
    canary: bool = True,
    quarantine: bool = True,
    arenas: int = 4,
    arena: int = 1,
) -> tuple[FakeTarget, int]:
    """A process with one slab of hardened_malloc's, and the address of that.

    Args:
        number: size class.
        size: of its slots.
        slots: of each, "live", "freed", "quarantined" or "never", and the tag that it had last.
        canary: whether it was compiled with SLAB_CANARY.
        quarantine: whether it was compiled with SLAB_QUARANTINE.
        arenas: N_ARENA.
        arena: which of them has the slab.
    """
    bits, waiting = bytearray(32), bytearray(32)
    last, tags = bytearray(129), bytearray()
    for slot, (state, tag) in enumerate(slots):
        if state in ("live", "quarantined"):
            bits[slot // 8] |= 1 << slot % 8
        if state == "quarantined":
            waiting[slot // 8] |= 1 << slot % 8
        last[(slot + 1) // 2] |= tag << 4 * ((slot + 1) % 2)
        tags += bytes([{"live": tag, "never": 0}.get(state, 15)]) * (size // GRANULE)
    record = bytes(bits) + bytes(16) + (b"\xa5" * 8 if canary else b"") + struct.pack("<H", 9)
    if quarantine:
        record += bytes(-len(record) % 8) + bytes(waiting)
    record += bytes(last)
    record += bytes(-len(record) % 8)

    region = 2 * CLASS_REGION
    table = (len(record) * (CLASS_REGION // 4096) + 4095) & ~4095
    slabs = {}
    classes = bytearray(_CLASS * arenas * _CLASS_COUNT)
    for one in range(arenas):
        for each in range(_CLASS_COUNT):
            index = one * _CLASS_COUNT + each
            begin = SLABS + index * region + 4096 * (1 + index % 50)
            slabs[one, each] = begin, _RECORDS + index * table
            struct.pack_into("<48x2Q", classes, index * _CLASS, *slabs[one, each])
    begin, records = slabs[arena, number]
    state = 0xFFFF_5000_0000
    array = [state + n * _CLASS * _CLASS_COUNT for n in range(arenas + 1)]
    words = [
        SLABS,
        SLABS + region * _CLASS_COUNT * arenas,
        *array,
        state + 0x100000,
        state + 0x200000,
    ]
    page = struct.pack(f"<{len(words)}Q", *words).ljust(4096, b"\0")
    length = max(4096, (len(tags) * GRANULE + 4095) & ~4095)
    target = FakeTarget(
        memory={
            HARDENED_PAGE: page,
            state: bytes(classes),
            records: record,
            begin: bytes(length),
        },
        tags={begin: bytes(tags).ljust(length // GRANULE, b"\0")},
        mappings=[
            Region(begin, begin + length, "rw-", "", tagged=True),
            Region(state, state + 0x100000, "rw-", "", tagged=False),
            Region(records, records + 4096, "rw-", "", tagged=False),
            Region(HARDENED_PAGE, HARDENED_PAGE + 4096, "r--", "", tagged=False),
        ],
    )
    return target, begin
