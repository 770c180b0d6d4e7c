"""What the user gives as a pipe: copied into a file of its own, which is gone at the end.

A core is read at any byte, and a pipe has only its next one. This is for words of the user's alone:
what a core names is never waited for.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

from mtedbg.adapters.unpacked import MOST, Room, copy
from mtedbg.errors import FileFormatError, NotNowError
from mtedbg.system import flags

STANDARD_INPUT = "-"
_CHUNK = 1 << 18


@contextlib.contextmanager
def spooled(path: str) -> Iterator[str]:
    """A path to what is at `path`, for as long as that is needed.

    Args:
        path: as the user wrote it; "-" is standard input.

    Raises:
        FileFormatError: it is longer than any core.
        NotNowError: there is no room for it.
    """
    if path != STANDARD_INPUT and not _is_pipe(path):
        yield path
        return
    import tempfile  # what is read in place does not wait for it
    from pathlib import Path

    # A folder of its own: files next to a core are looked at.
    with tempfile.TemporaryDirectory(prefix="mtedbg-") as folder:
        name = str(Path(folder, "core"))
        what = "standard input" if path == STANDARD_INPUT else path
        source = 0 if path == STANDARD_INPUT else os.open(path, os.O_RDONLY | flags("O_CLOEXEC"))
        try:
            with Path(name).open("wb") as file:
                room = Room(what, MOST, file.fileno(), None)
                copy(_chunks(source), file, what, MOST, room)
        except OSError as error:
            raise NotNowError(
                f"{what} cannot be copied into {tempfile.gettempdir()}: {error.strerror}",
                "set TMPDIR to a folder with more room",
            ) from None
        finally:
            if source:
                os.close(source)
        if not Path(name).stat().st_size:
            raise FileFormatError(f"{what} is empty", "pipe a core into it")
        yield name


def _is_pipe(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)  # noqa: PTH116 - pathlib has no need here
    except (OSError, ValueError):
        return False


def _chunks(source: int) -> Iterator[bytes]:
    while chunk := os.read(source, _CHUNK):
        yield chunk
