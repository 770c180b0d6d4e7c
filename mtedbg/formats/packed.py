"""Compressed files: which format it is, and the stream of what is in it.

Crash collectors compress what they keep. None of these formats lets a reader in at an arbitrary
byte: what comes out is a stream, from the beginning.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Protocol, cast

from mtedbg.errors import ToolMissingError
from mtedbg.formats import apport, elf

if TYPE_CHECKING:
    from mtedbg.formats.buffer import Buffer

MOST_WINDOW = 1 << 27
"""Bytes that a decompressor may keep of what went before: xz -9 takes half of it."""

APPORT = "apport"

_CHUNK = 1 << 18
_PIECE = 1 << 13
"""Bytes that go into zlib at a time: what a call has made is lost where it finds damage."""
_GZIP = 16 + zlib.MAX_WBITS
"""With header and trailer, whose checksum zlib checks (zlib.h, inflateInit2)."""
_MAGICS = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}
_MAGICS |= {b"\x04\x22\x4d\x18": "lz4"}


def packed_with(data: Buffer) -> str:
    """What `data` is compressed with, by its first bytes; empty where it is not."""
    start = bytes(data[:8])
    return next((name for magic, name in _MAGICS.items() if start.startswith(magic)), "")


def core_packed_with(data: Buffer) -> str:
    """As `packed_with`, and "apport" of a report of that, which may have a core in it."""
    return APPORT if apport.is_report(bytes(data[:16])) else packed_with(data)


def may_be_crash(start: bytes) -> bool:
    """Whether what begins so may be a core, a minidump or a tombstone, and not another archive.

    Args:
        start: the first plain bytes, 20 or more.
    """
    kind = elf.file_kind(start)
    if start.startswith(elf.MAGIC):
        return kind is None or kind.type == elf.ET_CORE
    return start.startswith(b"MDMP") or start[:1] in (b"\x08", b"\x12") or not start


class Stream(Protocol):
    """What comes out of a decompressor: what there is, so that damage after it loses none."""

    def read1(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


Opened = tuple[Stream, tuple[type[Exception], ...]]
"""The plain contents, and what reading them raises where the file is damaged."""


class _GzipStream:
    """What `gzip.GzipFile` is, with headers that zlib reads: GzipFile takes names byte by byte.

    Args:
        packed: members one after the other, with zeros between (RFC 1952, 2.2).
    """

    def __init__(self, packed: IO[bytes]) -> None:
        self._packed = packed
        self._member = zlib.decompressobj(_GZIP)

    def read1(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end; raises EOFError where a member is cut off."""
        while True:
            if self._member.eof:
                more = self._member.unused_data.lstrip(b"\0")
                while not more:
                    chunk = self._packed.read(_PIECE)
                    if not chunk:
                        return b""
                    more = chunk.lstrip(b"\0")
                self._member = zlib.decompressobj(_GZIP)
            else:
                more = self._member.unconsumed_tail or self._packed.read(_PIECE)
            plain = self._member.decompress(more, size)
            if plain:
                return plain
            if not more and not self._member.eof:
                raise EOFError("it is incomplete")


def _gzip(packed: IO[bytes]) -> Opened:
    return _GzipStream(packed), (EOFError, zlib.error)


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
                    raise EOFError("it is incomplete")
            if plain := self._stream.decompress(more, size):
                return plain


def _xz(packed: IO[bytes]) -> Opened:
    import lzma

    return _XzStream(packed), (EOFError, lzma.LZMAError)


def _bzip2(packed: IO[bytes]) -> Opened:
    import bz2

    return bz2.BZ2File(packed), (EOFError, OSError)


def _zstd(packed: IO[bytes]) -> Opened:
    try:
        import zstandard
    except ImportError:
        raise ToolMissingError(
            "the library for zstd is not installed",
            "run: pip install zstandard; or unpack the core",
        ) from None
    decompressor = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
    stream = decompressor.stream_reader(packed, read_across_frames=True)
    return stream, (zstandard.ZstdError,)


def _lz4(packed: IO[bytes]) -> Opened:
    try:
        import lz4.frame
    except ImportError:
        raise ToolMissingError(
            "the library for lz4 is not installed",
            "run: pip install lz4; or unpack the core",
        ) from None
    return lz4.frame.LZ4FrameFile(packed), (RuntimeError, EOFError)


def _apport(packed: IO[bytes]) -> Opened:
    import io
    from binascii import Error

    core = apport.CoreDump(packed)
    how = packed_with(core.peek(8))
    if how not in ("gzip", "zstd"):
        return io.BytesIO(), ()
    stream, broken = _OPENERS[how](cast("IO[bytes]", core))
    return stream, (*broken, Error)


_OPENERS: dict[str, Callable[[IO[bytes]], Opened]] = {
    "gzip": _gzip,
    "xz": _xz,
    "bzip2": _bzip2,
    "zstd": _zstd,
    "lz4": _lz4,
    APPORT: _apport,
}


def plain(packed: IO[bytes], how: str) -> Opened:
    """The plain contents of a compressed file.

    Args:
        packed: the file, at its beginning.
        how: what `packed_with` said.

    Raises:
        ToolMissingError: the library for its format is not here.
    """
    return _OPENERS[how](packed)
