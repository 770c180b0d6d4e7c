"""Files of this machine that a debugged process may have made: read without being held up."""

from __future__ import annotations

import os
import re
import stat

from mtedbg.model.absent import Absent, Reason

MAX_FILE = 256 << 20
"""Bytes of a file of /proc that are taken in; a million mappings have less in smaps."""


def read_regular(path: str, most: int) -> bytes | Absent:
    """The contents of a regular file; a pipe or device in its place is not waited for.

    Args:
        path: absolute; it may have been made by anybody.
        most: bytes; a longer file is absent.
    """
    try:
        # Looked at first: to open a device may already do something.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - loaded where a debugger starts
            return Absent(Reason.UNKNOWN, f"{path} is not a regular file")
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Absent(Reason.UNKNOWN, f"{path} is not a regular file")
            data = file.read(most + 1)
    except OSError as error:
        return Absent(Reason.UNKNOWN, f"{path}: {error.strerror}")
    return data if len(data) <= most else Absent(Reason.UNKNOWN, f"{path} is too long")


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
