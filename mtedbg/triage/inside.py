"""Which crashes are in a file that may hold several: a text, a zip archive.

Each becomes a path of its own: `FILE:LINE`, `ARCHIVE:MEMBER`, which `adapters/dead.py` opens.
"""

from __future__ import annotations

from itertools import islice
from pathlib import PurePosixPath

from mtedbg.adapters.crash_files import MINIDUMP, START, crashes_in
from mtedbg.adapters.file_bytes import open_file
from mtedbg.adapters.inside import is_archive, is_text
from mtedbg.adapters.unpacked import core_inside
from mtedbg.errors import MtedbgError

MOST_CRASHES = 10_000
"""Of one file."""
TEXTS = frozenset((".txt", ".log", ".ips", ".crash", ".logcat", ".dmesg", ".out", ".synced"))
"""How names of texts end that are looked into."""
_LOGS = ("log", "dmesg", "messages", "hs_err")


def may_hold(path: str, start: bytes) -> bool:
    """Whether a file in a folder may hold crashes, by its first bytes and its name."""
    if start.startswith(MINIDUMP) or is_archive(start):
        return True
    name = PurePosixPath(path.lower())
    a_log = not name.suffix and any(word in name.name for word in _LOGS)
    return (name.suffix in TEXTS or a_log) and is_text(start)


def crashes(path: str) -> list[str]:
    """The crashes in a file, as paths; the file itself where it is one, none where it is none.

    Args:
        path: absolute.
    """
    try:
        start = open_file(path)[:START]  # which waits for no pipe
        packed, _ = core_inside(path, start)
        if is_archive(start) or (is_text(start) and not packed):
            found = islice(crashes_in(path), MOST_CRASHES)
            return [name for name, crash in found if crash is None or crash.killed]
    except (MtedbgError, OSError):
        pass
    return [path]
