"""Compressed cores: unpacked once, into a temporary file that has holes where the core has zeros.

Crash collectors compress what they keep. A core that is not compressed is read in place and never
comes here. None of these formats lets a reader in at an arbitrary byte, so that the whole is
unpacked; it goes to a file without a name, which is gone when the process is, and not to memory: a
core of many gigabytes is mostly zeros, which take no room there.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from mtedbg.errors import FileFormatError, ToolMissingError
from mtedbg.formats.mapped import MappedFile
from mtedbg.model.memory import size_text

if TYPE_CHECKING:
    from mtedbg.formats.elf import Buffer

MOST = 1 << 36
"""Bytes that a core may unpack to: a small file can claim to be any length."""

MOST_WINDOW = 1 << 27
"""Bytes that a decompressor may keep of what went before: xz -9 takes half of it."""

_CHUNK = 1 << 18

_MAGICS = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}


def packed_with(data: Buffer) -> str:
    """What `data` is compressed with, by its first bytes; empty where it is not."""
    start = bytes(data[:8])
    return next((name for magic, name in _MAGICS.items() if start.startswith(magic)), "")


def first_bytes(path: str, how: str, count: int) -> bytes:
    """The first `count` bytes that a compressed file unpacks to; fewer where it is damaged.

    Raises:
        ToolMissingError: the library for its format is not here.
    """
    with Path(path).open("rb") as packed:
        stream, broken = _OPENERS[how](packed)
        damage: tuple[type[Exception], ...] = (*broken, OSError)
        try:
            return stream.read1(count)
        except damage:
            return b""


def unpack(path: str, how: str, remarks: list[str], most: int = 0) -> MappedFile:
    """The contents of a compressed file, mapped.

    Args:
        path: of the file.
        how: what `packed_with` said.
        remarks: gets a line where the file is cut off or damaged behind what could be unpacked.
        most: bytes that it may unpack to; `MOST` where 0.

    Raises:
        FileFormatError: nothing of it can be unpacked, it is longer than that, or there is no
            room for it.
        ToolMissingError: the library for its format is not here.
    """
    with Path(path).open("rb") as packed, tempfile.TemporaryFile(prefix="mtedbg-") as plain:
        stream, broken = _OPENERS[how](packed)
        try:
            length = _copy(_chunks(stream, broken, path, how, remarks), plain, path, most or MOST)
        except OSError as error:
            raise FileFormatError(
                f"{path} cannot be unpacked into {tempfile.gettempdir()}: {error.strerror}",
                "set TMPDIR to a folder with more room",
            ) from None
        if length == 0:
            raise FileFormatError(f"{path} is damaged {how} data", "copy it again, whole")
        return MappedFile.of(plain.fileno())


class _Stream(Protocol):
    """What comes out of a decompressor: what there is, so that damage behind it loses none."""

    def read1(self, size: int, /) -> bytes: ...


_Opened = tuple[_Stream, tuple[type[Exception], ...]]
"""The plain contents, and what reading them raises where the file is damaged."""


def _gzip(packed: IO[bytes]) -> _Opened:
    import gzip

    return gzip.GzipFile(fileobj=packed), (EOFError, gzip.BadGzipFile, zlib.error)


class _XzStream:
    """What `lzma.LZMAFile` is, with a limit on memory: a header may claim a window of 4 GiB.

    Args:
        packed: streams one after the other, with zeros between (xz's file format, 2.2).
    """

    def __init__(self, packed: IO[bytes]) -> None:
        from lzma import LZMADecompressor

        self._decompressor = LZMADecompressor
        self._packed = packed
        self._stream = LZMADecompressor(memlimit=MOST_WINDOW)

    def read1(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end; raises EOFError where a stream is cut off."""
        while True:
            if self._stream.eof:
                more = self._stream.unused_data.lstrip(b"\0")
                while not more:
                    chunk = self._packed.read(_CHUNK)
                    if not chunk:
                        return b""
                    more = chunk.lstrip(b"\0")
                self._stream = self._decompressor(memlimit=MOST_WINDOW)
            else:
                more = self._packed.read(_CHUNK) if self._stream.needs_input else b""
                if not more and self._stream.needs_input:
                    raise EOFError("it ends before its end")
            if plain := self._stream.decompress(more, size):
                return plain


def _xz(packed: IO[bytes]) -> _Opened:
    import lzma

    return _XzStream(packed), (EOFError, lzma.LZMAError)


def _bzip2(packed: IO[bytes]) -> _Opened:
    import bz2

    return bz2.BZ2File(packed), (EOFError, OSError)


def _zstd(packed: IO[bytes]) -> _Opened:
    try:
        import zstandard
    except ImportError:
        raise ToolMissingError(
            "the library for zstd is not here", "run: pip install zstandard; or unpack the core"
        ) from None
    decompressor = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
    stream = decompressor.stream_reader(packed, read_across_frames=True)
    return stream, (zstandard.ZstdError,)


_OPENERS: dict[str, Callable[[IO[bytes]], _Opened]] = {
    "gzip": _gzip,
    "xz": _xz,
    "bzip2": _bzip2,
    "zstd": _zstd,
}


def _chunks(
    stream: _Stream,
    broken: tuple[type[Exception], ...],
    path: str,
    how: str,
    remarks: list[str],
) -> Iterator[bytes]:
    """What can be unpacked."""
    while True:
        try:
            chunk = stream.read1(_CHUNK)
        except broken as error:
            remarks.append(f"{path} is cut off or damaged {how} data: {error}")
            return
        if not chunk:
            return
        yield chunk


def _copy(chunks: Iterator[bytes], plain: IO[bytes], path: str, most: int) -> int:
    """Writes `chunks`, leaving holes for zeros; the length in bytes."""
    length = 0
    for chunk in chunks:
        if length + len(chunk) > most:
            raise FileFormatError(
                f"{path} unpacks to more than {size_text(most)}", "unpack it first"
            )
        if chunk.count(0) != len(chunk):
            os.pwrite(plain.fileno(), chunk, length)
        length += len(chunk)
    plain.truncate(length)
    return length
