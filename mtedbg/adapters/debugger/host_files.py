"""Files of this machine that a debugged process may have made: read without being held up."""

from __future__ import annotations

import os
import re
import stat

from mtedbg.model.absent import Absent, Reason
from mtedbg.system import READ

MAX_FILE = 256 << 20
"""Bytes of a file of /proc that are taken in; a million mappings have less in smaps."""


def why_not_believed(path: str, mode: int, uid: int, owner: int) -> str:
    """Why a file in a folder that all can write to is not believed; nothing where it is.

    As perf does with its maps (Linux, tools/perf/util/symbol.c, dso__load): only root and who runs
    the process may have written it.

    Args:
        path: of the file.
        mode: its kind and permissions, as stat(2) has them.
        uid: whose it is.
        owner: whose the process is.
    """
    if not stat.S_ISREG(mode):
        return f"{path} is not a regular file"
    if uid not in (0, owner):
        return f"{path} is of user {uid}, the process of user {owner}"
    return f"{path} can be written by everybody" if mode & stat.S_IWOTH else ""


def read_of_process(path: str, pid: int, most: int) -> bytes | Absent:
    """The contents of a regular file that root or the owner of a process wrote.

    Args:
        path: absolute; it may have been made by anybody.
        pid: of the process, on this machine.
        most: bytes; a longer file is absent.
    """
    try:
        owner = os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116 - loaded where a debugger starts
    except OSError:
        return Absent(Reason.UNKNOWN, f"process {pid} is not on this machine")
    return read_regular(path, most, owner)


def is_qemu_here(pid: int) -> bool:
    """Whether a process of this machine is QEMU's user mode, whose stub says little of files."""
    try:
        program = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115 - as above
    except OSError:
        return False
    return program.rpartition("/")[2].startswith("qemu-")


def read_regular(path: str, most: int, owner: int | None = None) -> bytes | Absent:
    """The contents of a regular file; a pipe or device in its place is not waited for.

    Args:
        path: absolute; it may have been made by anybody.
        most: bytes; a longer file is absent.
        owner: the user who, besides root, must have written it; anybody where None.
    """
    try:
        # Looked at first: to open a device may already do something.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - loaded where a debugger starts
            return Absent(Reason.UNKNOWN, f"{path} is not a regular file")
        descriptor = os.open(path, READ)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            believed = status.st_uid if owner is None else owner
            mode = status.st_mode if owner is not None else status.st_mode & ~stat.S_IWOTH
            if why := why_not_believed(path, mode, status.st_uid, believed):
                return Absent(Reason.NOT_BELIEVED, why)
            data = file.read(most + 1)
    except OSError as error:
        return Absent(Reason.UNKNOWN, f"{path}: {error.strerror}")
    return data if len(data) <= most else Absent(Reason.UNKNOWN, f"{path} is too long")


def piece(path: str, offset: int, length: int) -> bytes | Absent:
    """As many bytes as there are, up to `length`, from `offset` on, of a file of the system's own.

    Args:
        path: in /proc.
        offset: of the first byte.
        length: in bytes.
    """
    data = b""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
            file.seek(offset)
            # The kernel gives a page at most at a time.
            while len(data) < length and (more := file.read(length - len(data))):
                data += more
    except OSError as error:
        return Absent(Reason.UNKNOWN, f"{path}: {error.strerror}")
    return data


def is_traced_by_child(pid: int, parent: int) -> bool:
    """Whether a process of this machine is traced by a server that `parent` has started.

    Args:
        pid: of the traced process.
        parent: process id of the debugger.
    """
    tracer = _status(pid, "TracerPid")
    return tracer > 0 and _status(tracer, "PPid") == parent


def _status(pid: int, key: str) -> int:
    """A number in /proc/PID/status (proc_pid_status(5)); 0 where there is none."""
    text = read_regular(f"/proc/{pid}/status", MAX_FILE)
    lines = b"" if isinstance(text, Absent) else text
    found = re.search(rf"^{key}:\s*(\d+)$".encode(), lines, re.MULTILINE)
    return int(found[1]) if found else 0
