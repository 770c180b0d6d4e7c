"""Writes the files that a command's user asked for."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

from mtedbg.errors import DocumentError
from mtedbg.report import Document
from mtedbg.system import set_mode, umask

_DEVICES = ("/dev/", "/proc/")
"""Where the files are that are written to as they are: /dev/stdout, a pipe of the shell's."""


def write(document: Document) -> str:
    """Writes a file whole or not at all, over what was there; returns a note about it.

    A link is replaced, not followed: in a folder of somebody's cores, it is somebody's.

    Raises:
        DocumentError: it cannot be written.
    """
    try:
        path = Path(document.path).expanduser()
        content = document.content.encode("utf-8", "backslashreplace")
        if str(path).startswith(_DEVICES):
            path.write_bytes(content)
        else:
            _replace(path, content, _plain_or_none(path))
    except (OSError, ValueError, RuntimeError) as error:  # the last: nobody's home
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise DocumentError(f"{document.path} cannot be written: {why}", "name another") from None
    return f"written: {path}"


def change(path: Path, content: bytes) -> None:
    """Writes a user's own file whole or not at all: its mode and owner, and a link to it, stay.

    Raises:
        OSError: it cannot be written, or is not a regular file.
    """
    real = Path(os.path.realpath(path))
    _replace(real, content, _plain_or_none(real), keep=True)


def _replace(
    path: Path, content: bytes, before: os.stat_result | None, *, keep: bool = False
) -> None:
    # In the same folder: a rename within one folder is atomic.
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name[:50]}-", delete=False
    ) as file:
        name = Path(file.name)
        try:
            file.write(content)
            file.flush()
            mode = 0o666 & ~umask()
            if keep and before is not None:
                mode = stat.S_IMODE(before.st_mode)
                # Another user's file, in a folder of ours; or a system without owners.
                with contextlib.suppress(OSError, AttributeError):
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
            set_mode(file.fileno(), mode)
            file.close()  # Windows renames no file that is open
            name.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                name.unlink()
            raise


def _plain_or_none(path: Path) -> os.stat_result | None:
    """What is there; None where nothing is.

    Raises:
        OSError: it is something that a file must not take the place of.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISLNK(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return status
