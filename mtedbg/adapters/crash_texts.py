"""Files of text that tell of crashes: logs of any size, compressed or not, read once and flat.

A stretch in which no crash can begin is passed over by searching its bytes; the rest is read line
by line.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from typing import IO

from mtedbg.adapters.file_bytes import open_stream
from mtedbg.errors import FileFormatError
from mtedbg.formats.packed import packed_with, plain
from mtedbg.formats.texts.reader import BEGINNINGS, CrashReader
from mtedbg.model.crash_text import CrashText

_CHUNK = 1 << 18
_LONGEST_LINE = 1 << 16
"""Bytes of a line that is no report of JSON."""
_LONGEST_REPORT = 1 << 24
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Advance = Callable[[int], None]


def crashes_in_file(path: str, advance: Advance = lambda _: None) -> Iterator[CrashText]:
    """The crashes that a file of text tells of, in their order.

    Args:
        path: of the file, which may be compressed.
        advance: is called with how many bytes of the file were read.

    Raises:
        FileFormatError: it cannot be read.
        ToolMissingError: it is compressed, and the library for that is not here.
    """
    try:
        with open_stream(path) as file:
            yield from crashes_in_stream(file, advance)
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror or error}", "") from None


def crashes_in_stream(file: IO[bytes], advance: Advance = lambda _: None) -> Iterator[CrashText]:
    """The same of an open file, or of standard input."""
    reader = CrashReader()
    for chunk in _whole_lines(_plain(_Counted(file, advance))):
        yield from _of_chunk(reader, chunk)
    yield from reader.end()


class _Counted:
    """A file that tells how far it was read, and that can give back its beginning."""

    def __init__(self, file: IO[bytes], advance: Advance) -> None:
        self._file = file
        self._advance = advance
        self._start = b""

    def peek(self, count: int) -> bytes:
        if len(self._start) < count:
            self._start += self._file.read(count - len(self._start))
        return self._start[:count]

    def read(self, count: int = -1) -> bytes:
        if self._start:
            given, self._start = self._start[:count], self._start[count:]
            return given
        data = self._file.read(count)
        self._advance(len(data))
        return data

    def read1(self, count: int = -1) -> bytes:
        return self.read(count)

    def readable(self) -> bool:
        return True


def _plain(file: _Counted) -> Iterator[bytes]:
    start = file.peek(8)
    how = packed_with(start)
    if not how:
        encoding = next((name for bom, name in _BOMS if start.startswith(bom)), "")
        if not encoding and start[1:2] == b"\0" and start[3:4] == b"\0" and start[:1].isascii():
            encoding = "utf-16-le"
        decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
        while chunk := file.read(_CHUNK):
            yield chunk if decoder is None else decoder.decode(chunk).encode("utf-8", "replace")
        return
    stream, broken = plain(file, how)  # type: ignore[arg-type]
    damage: tuple[type[Exception], ...] = (*broken, OSError)
    while True:
        try:
            chunk = stream.read1(_CHUNK)
        except damage:
            return
        if not chunk:
            return
        yield chunk


def _whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks that end where lines do; what is too long for a line is cut off."""
    rest: list[bytes] = []
    size = 0
    most = _LONGEST_LINE
    for chunk in chunks:
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            if size < most:
                rest.append(chunk[: most - size])
                size += len(chunk)
                if len(rest) == 1 and rest[0].lstrip()[:1] == b"{":
                    most = _LONGEST_REPORT
            continue
        yield b"".join((*rest, chunk[:cut]))
        rest, size, most = [chunk[cut:]], len(chunk) - cut, _LONGEST_LINE
        if rest[0].lstrip()[:1] == b"{":
            most = _LONGEST_REPORT
    if rest and any(rest):
        yield b"".join(rest)


def _of_chunk(reader: CrashReader, chunk: bytes) -> Iterator[CrashText]:
    """Reads lines, and passes over those between two beginnings while nothing is open."""
    places = [0] * len(BEGINNINGS)
    at, end = 0, len(chunk)
    while at < end:
        if reader.idle:
            first = _next(chunk, places, at)
            start = end if first < 0 else chunk.rfind(b"\n", at, first) + 1 or at
            if start > at:
                yield from reader.pass_over(chunk.count(b"\n", at, start))
                at = start
                continue
        stop = chunk.find(b"\n", at) + 1 or end
        line = chunk[at:stop].rstrip(b"\r\n")
        text = line if len(line) <= _LONGEST_LINE or line[:1] == b"{" else line[:_LONGEST_LINE]
        yield from reader.feed((text.decode("utf-8", "replace"),))
        at = stop


def _next(chunk: bytes, places: list[int], at: int) -> int:
    """Where the next beginning is; -1 where there is none. Each is searched for but once."""
    first = -1
    for number, mark in enumerate(BEGINNINGS):
        place = places[number]
        if place < 0:
            continue
        if place < at or not place:
            place = places[number] = chunk.find(mark, at)
            if place < 0:
                continue
        if first < 0 or place < first:
            first = place
    return first
