r"""Names of the files that systemd-coredump keeps: what they say of the dead process.

Source: make_filename() in coredump.c of systemd: `core.COMM.UID.BOOT-ID.PID.TIMESTAMP`, and how it
is compressed. COMM has "." and others as \xHH (filename_escape()). TIMESTAMP is in microseconds;
versions that had it so and put six zeros behind it nevertheless are in use as well.
"""

from __future__ import annotations

import re

from mtedbg.dataclass import dataclass
from mtedbg.formats.buffer import text

_NAME = (
    r"core\.(?P<comm>[^./]{1,64})\.(?P<uid>\d{1,10})\.(?P<boot>[0-9a-f]{32})"
    r"\.(?P<pid>[1-9]\d{0,6})\.(?P<time>[1-9]\d{15})(?:0{6})?(?:\.(?:zst|lz4|xz|gz|bz2))*"
)
_ESCAPED = rb"\\x([0-9a-f]{2})"
_BEGINNING = "core."
_MOST_PID = 1 << 22
"""PID_MAX_LIMIT (linux/threads.h)."""
_COMM = 15
"""Bytes of a process's name: TASK_COMM_LEN without its zero."""
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class SystemdName:
    """What a name says.

    Attributes:
        comm: the process's name, at most 15 bytes.
        pid: its id, as outside of any container.
        died_at: seconds since 1970.
    """

    comm: str
    pid: int
    died_at: float


def systemd_name(name: str) -> SystemdName | None:
    """What the name of a file says, without its folder; None where systemd gives no such names."""
    found = re.fullmatch(_NAME, name, re.ASCII) if name.startswith(_BEGINNING) else None
    if found is None:
        return None
    pid = int(found["pid"])
    raw = found["comm"].encode("utf-8", "surrogateescape")
    comm = re.sub(_ESCAPED, lambda one: bytes.fromhex(one[1].decode()), raw)
    if pid > _MOST_PID or len(comm) > _COMM:
        return None
    return SystemdName(text(comm), pid, int(found["time"]) / _MICRO)
