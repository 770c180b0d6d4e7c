"""Takes core files out of the folder that a VM wrote them to.

The VM may be hostile as a whole, and writes to that folder meanwhile. So each file is opened once,
without following links, looked at through what was opened, and copied: a file that was moved could
still be written to by a VM that holds it open. What is not a core is dropped.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from mtedbg.dataclass import dataclass
from mtedbg.errors import LabError
from mtedbg.formats import elf
from mtedbg.system import READ, flags

# Process numbers are the same in every VM, so that names meet.
MAX_SAME_NAME = 10_000
MOST_CORES = 1000
"""Core files of one program that are taken."""

_LONGEST_NAME = 200
"""Bytes: what is added to it must fit as well (NAME_MAX is 255)."""
_READ = READ | flags("O_NOFOLLOW")
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags("O_NOFOLLOW", "O_CLOEXEC")
_FOLDER = os.O_RDONLY | flags("O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC")
_CHUNK = 1 << 26


@dataclass(frozen=True)
class Taken:
    """What became of the files of a program.

    Attributes:
        cores: core files, in the folder where they were wanted.
        left_out: how many others there were, cores or not.
    """

    cores: list[Path]
    left_out: int = 0


def take_cores(exchange: Path, to: Path | None) -> Taken:
    """Copies the core files from `exchange` to the folder `to`, and removes all files there.

    Args:
        exchange: the host's side of the folder.
        to: where they go, each under a name of its own, readable by the user alone; dropped where
            None.

    Raises:
        LabError: there is no place for one.
    """
    cores: list[Path] = []
    left_out = 0
    with _folder(exchange) as source:
        for name in _files(source):
            if to is not None and len(cores) < MOST_CORES:
                if (core := _taken(source, name, to)) is not None:
                    cores.append(core)
                else:
                    left_out += 1
            elif to is not None:
                left_out += 1
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=source)
    return Taken(cores, left_out)


def clear(folder: Path, spare: Path) -> None:
    """Removes everything in a folder that a VM could write to, however deep it is.

    Args:
        folder: of the host, which nobody writes to any more.
        spare: an empty folder on the same file system, in which none could ever write.
    """
    folder.rename(spare / "0")
    count = 1
    with _folder(spare) as top:
        waiting = ["0"]
        # No folder is entered from another: there is no depth at which this ends.
        while waiting:
            name = waiting.pop()
            with _folder_at(name, top) as here:
                for entry in _entries(here):
                    if entry.is_dir(follow_symlinks=False):
                        os.rename(entry.name, str(count), src_dir_fd=here, dst_dir_fd=top)
                        waiting.append(str(count))
                        count += 1
                    else:
                        os.unlink(entry.name, dir_fd=here)
            os.rmdir(name, dir_fd=top)


def _files(folder: int) -> list[str]:
    """The names of what is in a folder, except folders, in order."""
    return sorted(e.name for e in _entries(folder) if not e.is_dir(follow_symlinks=False))


def _entries(folder: int) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return list(found)


def _taken(source: int, name: str, to: Path) -> Path | None:
    """The copy of one file; None where it is not a core."""
    try:
        descriptor = os.open(name, _READ, dir_fd=source)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not name.startswith("core") or not _is_core(descriptor):
            return None
        try:
            with _folder(to, follow=True) as target:
                final, made = _made(target, _printable(name), to)
                with os.fdopen(made, "wb", buffering=0):
                    _copy(file.fileno(), made)
        except OSError as error:
            raise LabError(
                f"cannot write the core file to {to}: {error.strerror}",
                "run it in a folder that you can write to",
            ) from error
    return to / final


def _is_core(descriptor: int) -> bool:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return False
    try:
        kind = elf.file_kind(os.pread(descriptor, elf.KIND_SIZE, 0))
    except OSError:
        return False
    return kind is not None and kind.type == elf.ET_CORE


def _printable(name: str) -> str:
    """A name that does nothing to a terminal, and leaves room for a number."""
    plain = "".join(one if one.isprintable() else "_" for one in name)
    while len(os.fsencode(plain)) > _LONGEST_NAME:
        plain = plain[:-1]
    return plain


def _made(folder: int, name: str, shown: Path) -> tuple[str, int]:
    """A new file: its name, and a descriptor for writing."""
    for candidate in (name, *(f"{name}.{i}" for i in range(1, MAX_SAME_NAME))):
        with contextlib.suppress(FileExistsError):
            return candidate, os.open(candidate, _MAKE, 0o600, dir_fd=folder)
    raise LabError(f"{shown} has too many files {name}.N", "remove some of them")


def _copy(source: int, target: int) -> None:
    """Copies what the file has now, and keeps its holes."""
    size = os.fstat(source).st_size
    position = 0
    while position < size:
        try:
            position = os.lseek(source, position, os.SEEK_DATA)
            stop = min(os.lseek(source, position, os.SEEK_HOLE), size)
        except OSError:  # nothing but a hole follows
            break
        os.lseek(target, position, os.SEEK_SET)
        while position < stop:
            count = _copied(source, target, position, min(stop - position, _CHUNK))
            if not count:  # it was cut off meanwhile
                break
            position += count
        else:
            continue
        break
    os.ftruncate(target, size)


def _copied(source: int, target: int, position: int, most: int) -> int:
    """Copies bytes to the target's own position; how many."""
    if sys.platform == "linux":
        return os.sendfile(target, source, position, most)
    return os.write(target, os.pread(source, min(most, 1 << 20), position))  # elsewhere: sockets


@contextlib.contextmanager
def _folder(path: Path, *, follow: bool = False) -> Iterator[int]:
    how = _FOLDER & ~os.O_NOFOLLOW if follow else _FOLDER
    descriptor = os.open(path, how)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _folder_at(name: str, folder: int) -> Iterator[int]:
    descriptor = os.open(name, _FOLDER, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
