"""Structured input for fuzzing: a few bytes become a file whose parts name the same bytes again."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable

import lz4.frame
import zstandard

from tests.support.amplified import Parts
from tests.support.elf_core import PAGE, Core, ImageFile, MappedFile, ThreadNotes, note

PT_LOAD, PT_NOTE, PT_MEMTAG = 1, 4, 0x70000002
HEAP = 0x10000
_MOST = 1 << 19
"""Bytes of a file that is made: what it costs is counted over that."""
_PACKERS: tuple[Callable[[bytes], bytes], ...] = (
    lambda data: data,
    gzip.compress,
    bz2.compress,
    lambda data: lzma.compress(data, preset=0),
    zstandard.ZstdCompressor(level=1).compress,
    lz4.frame.compress,
)


class _Choices:
    """Numbers that the input chooses, none where it is used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def left(self) -> bool:
        return self._at < len(self._data)

    def below(self, most: int) -> int:
        raw = self._data[self._at : self._at + 3]
        self._at += 3
        return int.from_bytes(raw, "little") % max(1, most)


def built(data: bytes) -> bytes:
    """The file that `data` describes: what it is packed in, then part after part."""
    chosen = _Choices(data)
    packers = [_PACKERS[chosen.below(len(_PACKERS))] for _ in range(1 + chosen.below(2))]
    made = _core(chosen)
    for pack in packers:
        made = pack(made)
    return made


def _core(chosen: _Choices) -> bytes:
    parts = Parts()
    page = parts.hold(ImageFile(symbols={"one": (PAGE, 8)}).build())
    threads = [
        ThreadNotes(tid, {"pc": HEAP + 8, "x29": HEAP, "sp": HEAP}, siginfo=(11, 9, HEAP | 5 << 56))
        for tid in range(1, 2 + chosen.below(40))
    ]
    name = "/" + "n" * chosen.below(1 << 14)
    files = [
        MappedFile(HEAP + at * PAGE, HEAP + (at + 1 + chosen.below(9)) * PAGE, 0, name)
        for at in range(chosen.below(60))
    ]
    whole = Core(threads=threads, files=files, auxv={3: HEAP + 64, 25: HEAP}).notes()
    whole += note(b"CORE", chosen.below(8), bytes(chosen.below(1 << 12)))
    notes = parts.hold(whole)
    parts.header(PT_NOTE, notes, 0, len(whole))
    frames = parts.hold(b"".join(struct.pack("<QQ", HEAP + n * 16, HEAP + 8) for n in range(512)))
    while chosen.left() and len(parts.headers) < _MOST // 56:
        _repeat(parts, chosen, (page, notes, frames), len(whole))
    return parts.build()


def _repeat(parts: Parts, chosen: _Choices, places: tuple[int, ...], notes: int) -> None:
    """Many headers of one kind, each over the same bytes or some bytes further."""
    kind = (PT_LOAD, PT_NOTE, PT_MEMTAG)[chosen.below(3)]
    place = places[chosen.below(len(places))]
    count, shift = 1 + chosen.below(4000), chosen.below(64) * 4
    length = 16 * (1 + chosen.below(1 << 14))
    start, gap = HEAP + 16 * chosen.below(1 << 16), 16 * chosen.below(1 << 10)
    for index in range(count):
        at = place + index * shift
        if kind == PT_NOTE:
            parts.header(kind, at, 0, max(12, notes - index * shift))
        elif kind == PT_LOAD:
            parts.header(kind, at, start + index * (length + gap), min(length, PAGE), length)
        else:
            parts.header(kind, at, start + index * (length + gap), length // 32 + 1, length)
