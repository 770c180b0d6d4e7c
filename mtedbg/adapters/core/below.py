"""Opens a file by a name that a stranger chose: below one folder, regular files only.

The name is walked component by component, each held open, so that nothing that is exchanged
meanwhile leads elsewhere. Each is looked at (`O_PATH`) before it is entered or opened: no pipe is
waited for, no device is opened, and no mount point of autofs is set off.

Sources: openat2(2), whose `RESOLVE_IN_ROOT` and `RESOLVE_BENEATH` these rules are: it is not called
itself, for Python has no call for it and sandboxes refuse it; path_resolution(7); open(2) on
`O_PATH`; proc_pid_mountinfo(5).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack
from functools import cache

from mtedbg.system import READ, flags

PATH_MAX = 4096
"""Bytes of a name, with the zero at its end (linux/limits.h)."""
MAX_LINKS = 40
"""Links in one name: as many as the kernel follows (include/linux/namei.h, MAXSYMLINKS)."""

_NOT_FILES = frozenset(
    b"proc sysfs devtmpfs devpts autofs cgroup cgroup2 debugfs tracefs securityfs pstore bpf"
    b" configfs mqueue efivarfs binfmt_misc fusectl rpc_pipefs nsfs selinuxfs".split()
)
"""Kinds of file systems whose files are the kernel's own, or whose folders act when entered."""
_READ = READ | flags("O_NOFOLLOW")
# Linux opens to look alone. Elsewhere what was looked at by its name is opened if it is a folder.
_LOOK = flags("O_PATH") or flags("O_DIRECTORY", "O_NONBLOCK")
_LOOK |= flags("O_NOFOLLOW", "O_CLOEXEC")
_CAN_LOOK = hasattr(os, "O_PATH")
_CAN_WALK = os.open in os.supports_dir_fd


class RefusedError(OSError):
    """The name leads to something that is not opened; `strerror` says what."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EPERM, why)


def open_below(root: str, name: str, *, as_root: bool) -> int:
    """A descriptor, for reading, of the regular file that `name` is below the folder `root`.

    Args:
        root: a folder that the user named; links in its own name are followed.
        name: relative to it; nothing is believed of it.
        as_root: whether `root` is what "/" was for a process: absolute links and `..` at the top
            stay in it. Otherwise a link that leads out of it is refused.

    Raises:
        OSError: it is not there, or cannot be opened.
        RefusedError: it is no regular file, or not below `root`.
        ValueError: the name holds a zero byte or what no file name can.
    """
    raw = os.fsencode(name)
    if len(raw) >= PATH_MAX:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    with ExitStack() as opened:
        return _walk(root, raw, opened, as_root=as_root)


def _walk(root: str, name: bytes, opened: ExitStack, *, as_root: bool) -> int:
    if not _CAN_WALK:
        return _by_names(root, name)
    top = flags("O_PATH", "O_DIRECTORY", "O_CLOEXEC")
    folders = [_held(os.open(root, top), opened)]
    left = name.split(b"/")[::-1]
    links = 0
    while left:
        part = left.pop()
        if part in (b"", b"."):
            continue
        if part == b"..":
            if len(folders) > 1:
                folders.pop()
            elif not as_root:
                raise RefusedError("leads out of the folder")
            continue
        status, here = _looked_at(part, folders[-1], opened)
        if status.st_dev in _pseudo():
            raise RefusedError("is not a file of a disk")
        if stat.S_ISLNK(status.st_mode):
            links += 1
            if links > MAX_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            if here is None:
                target = os.readlink(part, dir_fd=folders[-1])
            else:
                target = os.readlink(b"", dir_fd=here)
            if target.startswith(b"/"):
                if not as_root:
                    raise RefusedError("is a link that leads out of the folder")
                del folders[1:]
            left += target.split(b"/")[::-1]
        elif stat.S_ISDIR(status.st_mode) and here is not None:
            folders.append(here)
        elif any(each not in (b"", b".") for each in left):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        elif not stat.S_ISREG(status.st_mode):
            break
        else:
            return _reopened(part, folders[-1], status)
    raise RefusedError("is not a regular file")


def _by_names(root: str, name: bytes) -> int:
    """The file, where no folder can be held open (Windows): no links, no names of devices."""
    path = os.fsencode(root)
    status = os.stat(path)  # noqa: PTH116 - bytes
    for part in name.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b".." or (os.name == "nt" and set(part) & set(b":\\")):
            raise RefusedError("leads out of the folder")
        path = os.path.join(path, part)  # noqa: PTH118 - bytes
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            raise RefusedError("is a link, which is not followed on this system")
        if not stat.S_ISDIR(status.st_mode):
            break
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError("is not a regular file")
    descriptor = os.open(path, _READ)
    seen = os.fstat(descriptor)
    if (seen.st_dev, seen.st_ino) != (status.st_dev, status.st_ino):
        os.close(descriptor)
        raise RefusedError("was exchanged while it was opened")
    return descriptor


def _looked_at(part: bytes, folder: int, opened: ExitStack) -> tuple[os.stat_result, int | None]:
    """What a name in a folder is, and a descriptor of it: of folders alone where none may look."""
    if _CAN_LOOK:
        here = _held(os.open(part, _LOOK, dir_fd=folder), opened)
        return os.fstat(here), here
    seen = os.stat(part, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISDIR(seen.st_mode):
        return seen, None
    here = _held(os.open(part, _LOOK, dir_fd=folder), opened)
    status = os.fstat(here)
    if (status.st_dev, status.st_ino) != (seen.st_dev, seen.st_ino):
        raise RefusedError("was exchanged while it was opened")
    return status, here


def _reopened(part: bytes, folder: int, seen: os.stat_result) -> int:
    """The file that was looked at, opened."""
    descriptor = os.open(part, _READ, dir_fd=folder)
    status = os.fstat(descriptor)
    if (status.st_dev, status.st_ino) != (seen.st_dev, seen.st_ino):
        os.close(descriptor)
        raise RefusedError("was exchanged while it was opened")
    return descriptor


def _held(descriptor: int, opened: ExitStack) -> int:
    opened.callback(os.close, descriptor)
    return descriptor


def is_plain(path: str) -> bool:
    """Whether a regular file of a disk is there, links followed; it is looked at and not opened."""
    try:
        if not _CAN_LOOK:
            return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - called for many files
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (OSError, ValueError):
        return False
    try:
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return stat.S_ISREG(status.st_mode) and status.st_dev not in _pseudo()


@cache
def _pseudo() -> frozenset[int]:
    """The devices (`st_dev`) of mounted file systems that have no files of a disk."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:  # noqa: PTH123 - pathlib has no need here
            lines = file.read().splitlines()
    except OSError:  # no /proc, no way to it
        return frozenset()
    found = set()
    for line in lines:
        before, _, after = line.partition(b" - ")
        words, kind = before.split(b" ", 3), after.split(b" ", 1)[0]
        if kind in _NOT_FILES and len(words) > 2:
            major, _, minor = words[2].partition(b":")
            found.add(os.makedev(int(major), int(minor)))
    return frozenset(found)
