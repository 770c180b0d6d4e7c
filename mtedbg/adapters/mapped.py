"""Files mapped into memory, read only: never loaded whole."""

from __future__ import annotations

import mmap
import os
import stat
import weakref
from collections.abc import Iterator

from mtedbg.errors import FileFormatError


class MappedFile(mmap.mmap):
    """A file in memory that knows its holes, and gives back what was read of it."""

    _descriptor: int

    @classmethod
    def of(cls, descriptor: int) -> MappedFile:
        """The whole of an open file, which the caller may close."""
        made = cls(descriptor, 0, access=mmap.ACCESS_READ)
        made._descriptor = os.dup(descriptor)
        weakref.finalize(made, os.close, made._descriptor)
        return made

    def written(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of [start, end) that are not holes: all others are zeros."""
        while start < end:
            try:
                start = os.lseek(self._descriptor, start, os.SEEK_DATA)
                stop = os.lseek(self._descriptor, start, os.SEEK_HOLE)
            except OSError:  # nothing but a hole follows
                return
            if start < end:
                yield start, min(stop, end)
            start = stop

    def forget(self, start: int, end: int) -> None:
        """Takes [start, end) out of this process's memory; it comes back when it is read."""
        start -= start % mmap.PAGESIZE
        if start < end:
            self.madvise(mmap.MADV_DONTNEED, start, end - start)


def map_file(path: str) -> MappedFile:
    """The contents of a regular file.

    Args:
        path: may come from a core: pipes and devices are neither waited for nor read.

    Raises:
        FileFormatError: it cannot be opened, is empty or no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror}", "give the path of a file") from None
    except ValueError:  # a zero byte in the name
        raise FileFormatError(f"{path!r} is not a file name", "give the path of a file") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileFormatError(f"{path} is not a regular file", "give the path of a file")
        if status.st_size == 0:
            raise FileFormatError(f"{path} is empty", "copy it again, completely")
        return MappedFile.of(descriptor)
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror}", "give the path of a file") from None
    finally:
        os.close(descriptor)
