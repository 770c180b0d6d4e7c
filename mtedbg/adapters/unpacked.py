"""Compressed cores: unpacked once, into a temporary file that has holes where the core has zeros.

A core that is not compressed is read in place and never comes here. The others are unpacked as a
whole, into a file without a name, which is gone when the process is, and not into memory: a core
of many gigabytes is mostly zeros, which take no room there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO

from mtedbg.adapters.file_bytes import FileBytes, open_stream
from mtedbg.budget import Budget
from mtedbg.errors import FileFormatError, NotNowError
from mtedbg.formats.packed import APPORT, Stream, core_packed_with, may_be_crash, plain
from mtedbg.model.memory import size_text

MOST = 1 << 36
"""Bytes that a core may unpack to: a small file can claim to be any length."""

MOST_RATIO = 1000
"""Times its size that a file may unpack to, zeros left out, beyond what any may."""
ALWAYS = 1 << 28
"""Bytes that any file may unpack to."""

_START = 64
_FREE = 256 << 20
_PACKED_A_SECOND, _PLAIN_A_SECOND = 2 << 20, 16 << 20
"""Bytes that the slowest format unpacks on a slow machine."""
_CHUNK = 1 << 18


def first_bytes(path: str, how: str, count: int) -> bytes:
    """The first `count` bytes that a compressed file unpacks to; fewer where it is damaged.

    Raises:
        ToolMissingError: the library for its format is not here.
    """
    with open_stream(path) as packed:
        stream, broken = plain(packed, how)
        damage: tuple[type[Exception], ...] = (*broken, OSError)
        try:
            return stream.read1(count)
        except damage:
            return b""


def core_inside(path: str, start: bytes) -> tuple[str, bytes]:
    """How a file is packed, and its first plain bytes: `start` where it is not.

    A report of apport's that has no core is the text that it is.

    Args:
        path: of the file.
        start: its first bytes, 16 or more.

    Raises:
        ToolMissingError: the library for its format is not here.
    """
    how = core_packed_with(start)
    if not how:
        return "", start
    inner = first_bytes(path, how, len(start))
    return ("", start) if how == APPORT and not inner else (how, inner)


def unpack_crash(
    path: str, how: str, remarks: list[str], budget: Budget | None = None
) -> FileBytes:
    """As `unpack`, of what begins as a core or a minidump does: of nothing else is any written.

    Raises:
        FileFormatError: it does not, or as for `unpack`.
        ToolMissingError: as for `unpack`.
    """
    if not may_be_crash(first_bytes(path, how, _START)):
        raise FileFormatError(
            f"{path} is {how} data of something that is not a core", "give a core, or unpack it"
        )
    return unpack(path, how, remarks, budget=budget)


def unpack(
    path: str, how: str, remarks: list[str], most: int = 0, budget: Budget | None = None
) -> FileBytes:
    """The contents of a compressed file, mapped.

    Args:
        path: of the file.
        how: what `packed_with` said.
        remarks: gets a line where the file is cut off or damaged after what could be unpacked.
        most: bytes that it may unpack to; `MOST` where 0.
        budget: is granted time for it.

    Raises:
        FileFormatError: nothing of it can be unpacked, or it is longer than that.
        NotNowError: there is no room for it.
        ToolMissingError: the library for its format is not here.
    """
    import tempfile  # which is slow to import, and few cores are compressed

    with open_stream(path) as packed, tempfile.TemporaryFile(prefix="mtedbg-") as file:
        stream, broken = plain(packed, how)
        room = Room(path, os.fstat(packed.fileno()).st_size, file.fileno(), budget)
        try:
            chunks = _chunks(stream, broken, path, how, remarks)
            length = copy(chunks, file, path, most or MOST, room)
        except OSError as error:
            raise NotNowError(
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


class Room:
    """How much may be written: a small file can unpack to a full disk.

    Args:
        path: of the packed file, for messages.
        packed: its bytes.
        descriptor: of the file that is written.
        budget: is granted time for it.
    """

    def __init__(self, path: str, packed: int, descriptor: int, budget: Budget | None) -> None:
        self._path = path
        self._most = ALWAYS + packed * MOST_RATIO
        self._descriptor = descriptor
        self._budget = budget
        self._written = 0
        self._looked = 0
        if budget is not None:
            budget.grant(packed / _PACKED_A_SECOND)

    def take(self, length: int) -> None:
        """`length` bytes that are not zeros are written next.

        Raises:
            FileFormatError: that is more than any core is packed so small, or fills the disk.
        """
        self._written += length
        if self._budget is not None:
            self._budget.grant(length / _PLAIN_A_SECOND)
        if self._written > self._most:
            raise FileFormatError(
                f"{self._path} unpacks to more than {MOST_RATIO} times its size",
                "where that is right, unpack it first",
            )
        if self._written >= self._looked:
            self._looked = self._written + (64 << 20)
            disk = os.fstatvfs(self._descriptor)
            if disk.f_bavail * disk.f_frsize < max(_FREE, disk.f_blocks * disk.f_frsize // 20):
                raise NotNowError(
                    f"{self._path} is not unpacked: the disk is nearly full",
                    "set TMPDIR to a folder with more room",
                )


def copy(chunks: Iterator[bytes], file: IO[bytes], path: str, most: int, room: Room) -> int:
    """Writes `chunks`, leaving holes for zeros; the length in bytes."""
    length = 0
    for chunk in chunks:
        if length + len(chunk) > most:
            raise FileFormatError(
                f"{path} unpacks to more than {size_text(most)}", "unpack it first"
            )
        if chunk.count(0) != len(chunk):
            room.take(len(chunk))
            os.pwrite(file.fileno(), chunk, length)
        length += len(chunk)
    file.truncate(length)
    return length
