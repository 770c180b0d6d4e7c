"""Files read by position: never loaded whole, and safe where somebody cuts them off meanwhile.

A mapping would be quicker to index, but who reads one beyond the end of a file that became shorter
is killed by SIGBUS, and with it the debugger that he is in.
"""

from __future__ import annotations

import os
import stat
import threading
import weakref
from collections.abc import Iterator
from io import BufferedReader
from typing import overload

from mtedbg.budget import Budget
from mtedbg.errors import FileFormatError, NotNowError
from mtedbg.system import READ

_BLOCK = 1 << 14
"""Bytes that are read at once where little is asked for: headers and notes stand together."""
_one_reads = threading.Lock()


class FileBytes:
    """A file as a `Buffer` that knows its holes.

    Args:
        descriptor: of an open file, of which this makes one of its own.
    """

    def __init__(self, descriptor: int) -> None:
        self._budget: Budget | None = None
        self._descriptor = os.dup(descriptor)
        weakref.finalize(self, os.close, self._descriptor)
        status = os.fstat(descriptor)
        self._size = status.st_size
        blocks = getattr(status, "st_blocks", None)  # Windows does not tell
        self._held = status.st_size if blocks is None else min(status.st_size, blocks * 512)
        self._written_ns = status.st_mtime_ns
        self._block, self._block_start = b"", 0

    def charge(self, budget: Budget) -> None:
        """From now on what is read is counted there."""
        if self._budget is not budget:
            budget.allow(self._held)
        self._budget = budget

    def __len__(self) -> int:
        """Bytes that it had when it was opened."""
        return self._size

    @overload
    def __getitem__(self, index: int, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> bytes: ...
    def __getitem__(self, index: int | slice, /) -> int | bytes:
        """One byte, or a slice, which is shorter where the file has become so.

        Raises:
            OverBudgetError: the report has read too much.
        """
        if isinstance(index, int):
            return self[index : index + 1][0]
        start, stop, _ = index.indices(self._size)
        length = stop - start
        if length <= 0:
            return b""
        if self._budget is not None:
            self._budget.spend(length)
        if length >= _BLOCK:
            return self._read(start, length)
        first = start - self._block_start
        if not 0 <= first <= len(self._block) - length:
            self._block, self._block_start = self._read(start, _BLOCK), start
            first = 0
        return self._block[first : first + length]

    def _read(self, start: int, length: int) -> bytes:
        """What there is of [start, start + length)."""
        length = min(length, self._size - start)
        parts: list[bytes] = []
        while length > 0:
            try:
                part = _read_at(self._descriptor, length, start)
            except OSError:  # a disk that fails: as if the file ended there
                part = b""
            if not part:
                break
            parts.append(part)
            start += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def changed(self) -> bool:
        """Whether somebody has written to it since it was opened."""
        status = os.fstat(self._descriptor)
        return (status.st_size, status.st_mtime_ns) != (self._size, self._written_ns)

    def written(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of [start, end) that are not holes: all others are zeros."""
        if not hasattr(os, "SEEK_DATA"):  # a system that does not tell where holes are
            yield from [(start, end)] if start < end else ()
            return
        while start < end:
            try:
                start = os.lseek(self._descriptor, start, os.SEEK_DATA)
                stop = os.lseek(self._descriptor, start, os.SEEK_HOLE)
            except OSError:  # nothing but a hole follows
                return
            if start < end:
                yield start, min(stop, end)
            start = stop


def _read_at(descriptor: int, length: int, start: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, start)
    with _one_reads:  # Windows: a file has one position
        os.lseek(descriptor, start, os.SEEK_SET)
        return os.read(descriptor, length)


def open_file(path: str) -> FileBytes:
    """The contents of a regular file.

    Args:
        path: may come from a core: pipes and devices are neither waited for nor read.

    Raises:
        FileFormatError: it cannot be opened, is empty or no regular file.
    """
    return bytes_of(_opened(path), path)


def open_stream(path: str) -> BufferedReader:
    """A regular file that is read from its beginning to its end; it may be empty.

    Args:
        path: as for `open_file`.

    Raises:
        FileFormatError: it cannot be opened, or is no regular file.
    """
    descriptor = _opened(path)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # exchanged meanwhile
        os.close(descriptor)
        raise FileFormatError(f"{path} is not a regular file", "give the path of a file")
    return os.fdopen(descriptor, "rb")


def _opened(path: str) -> int:
    """A descriptor of what is a regular file before it is opened."""
    try:
        # Looked at first: to open a device may already do something.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - no Path for each of many files
            raise FileFormatError(f"{path} is not a regular file", "give the path of a file")
        return os.open(path, READ)
    except OSError as error:
        raise NotNowError(f"{path}: {error.strerror}", "give the path of a file") from None
    except ValueError:  # a zero byte in the name
        raise FileFormatError(f"{path!r} is not a file name", "give the path of a file") from None


def bytes_of(descriptor: int, path: str) -> FileBytes:
    """The contents of an open file; its descriptor is closed.

    Args:
        descriptor: of it, for reading.
        path: of it, for messages.

    Raises:
        FileFormatError: it is empty or no regular file.
    """
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileFormatError(f"{path} is not a regular file", "give the path of a file")
        if status.st_size == 0:
            raise FileFormatError(f"{path} is empty", "copy it again, completely")
        return FileBytes(descriptor)
    except OSError as error:
        raise NotNowError(f"{path}: {error.strerror}", "give the path of a file") from None
    finally:
        os.close(descriptor)
