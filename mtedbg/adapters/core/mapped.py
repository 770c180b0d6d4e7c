"""Files mapped into memory, read only: never loaded whole."""

from __future__ import annotations

import mmap
import os
import stat

from mtedbg.errors import FileFormatError


def map_file(path: str) -> mmap.mmap:
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
        raise FileFormatError(f"{path!r} is no file name", "give the path of a file") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileFormatError(f"{path} is not a regular file", "give the path of a file")
        if status.st_size == 0:
            raise FileFormatError(f"{path} is empty", "copy it again, whole")
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror}", "give the path of a file") from None
    finally:
        os.close(descriptor)
