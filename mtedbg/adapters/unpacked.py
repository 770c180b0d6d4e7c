"""Compressed cores: unpacked once, into a temporary file that has holes where the core has zeros.

A core that is not compressed is read in place and never comes here. The others are unpacked as a
whole, into a file without a name, which is gone when the process is, and not into memory: a core
of many gigabytes is mostly zeros, which take no room there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from mtedbg.adapters.file_bytes import FileBytes
from mtedbg.errors import FileFormatError
from mtedbg.formats.packed import Stream, plain
from mtedbg.model.memory import size_text

MOST = 1 << 36
"""Bytes that a core may unpack to: a small file can claim to be any length."""

_CHUNK = 1 << 18


def first_bytes(path: str, how: str, count: int) -> bytes:
    """The first `count` bytes that a compressed file unpacks to; fewer where it is damaged.

    Raises:
        ToolMissingError: the library for its format is not here.
    """
    with Path(path).open("rb") as packed:
        stream, broken = plain(packed, how)
        damage: tuple[type[Exception], ...] = (*broken, OSError)
        try:
            return stream.read1(count)
        except damage:
            return b""


def unpack(path: str, how: str, remarks: list[str], most: int = 0) -> FileBytes:
    """The contents of a compressed file, mapped.

    Args:
        path: of the file.
        how: what `packed_with` said.
        remarks: gets a line where the file is cut off or damaged after what could be unpacked.
        most: bytes that it may unpack to; `MOST` where 0.

    Raises:
        FileFormatError: nothing of it can be unpacked, it is longer than that, or there is no
            room for it.
        ToolMissingError: the library for its format is not here.
    """
    import tempfile  # which is slow to import, and few cores are compressed

    with Path(path).open("rb") as packed, tempfile.TemporaryFile(prefix="mtedbg-") as file:
        stream, broken = plain(packed, how)
        try:
            length = _copy(_chunks(stream, broken, path, how, remarks), file, path, most or MOST)
        except OSError as error:
            raise FileFormatError(
                f"{path} cannot be unpacked into {tempfile.gettempdir()}: {error.strerror}",
                "set TMPDIR to a folder with more room",
            ) from None
        if length == 0:
            raise FileFormatError(f"{path} is damaged {how} data", "copy it again, completely")
        return FileBytes(file.fileno())


def _chunks(
    stream: Stream,
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


def _copy(chunks: Iterator[bytes], file: IO[bytes], path: str, most: int) -> int:
    """Writes `chunks`, leaving holes for zeros; the length in bytes."""
    length = 0
    for chunk in chunks:
        if length + len(chunk) > most:
            raise FileFormatError(
                f"{path} unpacks to more than {size_text(most)}", "unpack it first"
            )
        if chunk.count(0) != len(chunk):
            os.pwrite(file.fileno(), chunk, length)
        length += len(chunk)
    file.truncate(length)
    return length
