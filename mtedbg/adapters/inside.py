"""What a file is that holds others: zip archives and texts; what is inside, by `FILE:WHAT`.

A bugreport of Android is an archive with its tombstones in FS/data/tombstones. Names inside and
sizes are an archive's claims: a member is unpacked to a file of its own, up to a limit, and its
name is never used as a path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from mtedbg.errors import FileFormatError
from mtedbg.model.memory import size_text

if TYPE_CHECKING:  # opening a core is not to wait for them
    import zipfile

MOST_MEMBERS = 1 << 14
MOST_BYTES = 1 << 32
"""Bytes that a member may unpack to."""
MOST_DEPTH = 3
"""Archives in archives."""
_MAGIC = b"PK\x03\x04"
_CHUNK = 1 << 20
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\x0c\x1b\x08")


def is_text(start: bytes) -> bool:
    """Whether a file that begins so is text."""
    if start.startswith(_BOMS):
        return True
    return bool(start.strip()) and not _CONTROL.intersection(start)


def is_archive(start: bytes) -> bool:
    """Whether a file that begins so is a zip archive."""
    return start.startswith(_MAGIC)


def within(path: str) -> tuple[str, str] | None:
    """File and what is meant in it, of `FILE:WHAT`; None of what is itself a file, or nothing."""
    if os.path.lexists(path) or ":" not in path:
        return None
    from pathlib import Path  # a core's name has no colon, and is not to wait for it

    at = path.find(":", 1)
    while at > 0:
        if Path(path[:at]).is_file():
            return path[:at], path[at + 1 :]
        at = path.find(":", at + 1)
    return None


def container(path: str) -> str:
    """The file that `path` is, or is in."""
    found = within(path)
    return path if found is None else found[0]


def several_in(path: str) -> FileFormatError:
    """What to say of an archive that is opened as if it were one crash."""
    return FileFormatError(
        f"{path} is an archive", f"mtedbg triage {path} lists what is in it; open {path}:MEMBER"
    )


def members(path: str) -> Iterator[str]:
    """Names of the files in an archive, those of archives in it as `ARCHIVE:MEMBER`.

    Raises:
        FileFormatError: it is damaged.
    """
    with _opened(path) as archive:
        yield from _members(archive, path, MOST_DEPTH)


def _members(archive: zipfile.ZipFile, path: str, depth: int) -> Iterator[str]:
    import tempfile
    import zipfile

    for info in archive.infolist()[:MOST_MEMBERS]:
        if info.is_dir():
            continue
        if depth > 1 and info.filename.lower().endswith(".zip"):
            with tempfile.TemporaryFile(prefix="mtedbg-") as file:
                _copy(archive, info, file, path)
                try:
                    inner = zipfile.ZipFile(file)
                except (zipfile.BadZipFile, NotImplementedError):
                    continue
                for name in _members(inner, path, depth - 1):
                    yield f"{info.filename}:{name}"
        else:
            yield info.filename


@contextmanager
def extracted(path: str, inner: str) -> Iterator[tuple[str, str]]:
    """A file with the contents of a member, while it is needed, and what is meant in that.

    Raises:
        FileFormatError: there is no such member, or it is longer than any crash's file.
    """
    import tempfile

    with _opened(path) as archive, tempfile.NamedTemporaryFile(prefix="mtedbg-") as file:
        info, rest = _find(archive, inner, path)
        _copy(archive, info, file, path)
        file.flush()
        yield file.name, rest


def _find(archive: zipfile.ZipFile, inner: str, path: str) -> tuple[zipfile.ZipInfo, str]:
    names = {info.filename: info for info in archive.infolist()[:MOST_MEMBERS]}
    if inner in names:
        return names[inner], ""
    at = inner.find(":")
    while at > 0:
        if inner[:at] in names:
            return names[inner[:at]], inner[at + 1 :]
        at = inner.find(":", at + 1)
    raise FileFormatError(f"{path} has no member {inner}", "mtedbg triage lists what is in it")


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: IO[bytes], path: str) -> None:
    import zipfile

    length = 0
    try:
        with archive.open(info) as packed:
            while chunk := packed.read(_CHUNK):
                length += len(chunk)
                if length > MOST_BYTES:
                    raise FileFormatError(
                        f"{path}: {info.filename} unpacks to more than {size_text(MOST_BYTES)}", ""
                    )
                file.write(chunk)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise FileFormatError(f"{path}: {info.filename} cannot be unpacked: {error}", "") from None
    file.seek(0)


@contextmanager
def _opened(path: str) -> Iterator[zipfile.ZipFile]:
    import zipfile

    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise FileFormatError(f"{path} is a damaged archive: {error}", "copy it again") from None
    with archive:
        yield archive
