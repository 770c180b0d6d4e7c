"""Which crashes are in a file that may hold several: a text, a zip archive.

Each becomes a path of its own: `FILE:LINE`, `ARCHIVE:MEMBER`, which `adapters/dead.py` opens. Of an
archive (a bugreport is one device's) the two forms of one tombstone, and the log's lines about it,
are one crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from mtedbg.adapters.crash_texts import crashes_in_file
from mtedbg.adapters.inside import extracted, is_archive, members
from mtedbg.adapters.text_target import is_text
from mtedbg.adapters.tombstone import is_tombstone
from mtedbg.adapters.tombstone.target import open_tombstone
from mtedbg.errors import MtedbgError
from mtedbg.formats import elf
from mtedbg.model.crash_text import CrashText

MOST_CRASHES = 10_000
"""Of one file."""
TEXTS = frozenset((".txt", ".log", ".ips", ".crash", ".logcat", ".dmesg", ".out", ".synced"))
"""How names of texts end that are looked into."""
_LOGS = ("log", "dmesg", "messages", "hs_err")
_START = 512
_MINIDUMP = b"MDMP"

Identity = tuple[int, int]
"""Process and thread."""


def may_hold(path: str, start: bytes) -> bool:
    """Whether a file in a folder may hold crashes, by its first bytes and its name."""
    if start.startswith(_MINIDUMP) or is_archive(start):
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
        with Path(path).open("rb") as file:
            start = file.read(_START)
    except OSError:
        return [path]
    try:
        if is_archive(start):
            return list(_of_archive(path))
        if is_text(start):
            return [name for name, _ in _of_text(path, path)]
    except MtedbgError:
        pass
    return [path]


def _of_text(path: str, name: str) -> Iterator[tuple[str, CrashText]]:
    """The crashes of a text: names, and what each says."""
    found = []
    for crash in crashes_in_file(path):
        if crash.killed or crash.tag_check is not None:
            found.append(crash)
        if len(found) == MOST_CRASHES:
            break
    if len(found) == 1:
        yield name, found[0]
        return
    for crash in found:
        yield f"{name}:{crash.line}", crash


def _of_archive(path: str) -> Iterator[str]:
    names = sorted(members(path), key=_rank)
    there = frozenset(names)
    seen: set[Identity] = set()
    for name in names:
        if f"{name}.pb" in there and "tombstone" in PurePosixPath(name).name:
            continue
        with ExitStack() as stack:
            try:
                file, rest = stack.enter_context(extracted(path, name))
                while rest:
                    file, rest = stack.enter_context(extracted(file, rest))
                for found, identity in _of_member(file, name):
                    if identity is None or identity not in seen:
                        yield f"{path}:{found}"
                    if identity is not None:
                        seen.add(identity)
            except MtedbgError:
                continue


def _rank(name: str) -> tuple[int, str]:
    """Tombstones before logs, which may quote them."""
    last = PurePosixPath(name).name.lower()
    return (0 if last.endswith(".pb") else 1 if "tombstone" in last else 2, name)


def _of_member(file: str, name: str) -> Iterator[tuple[str, Identity | None]]:
    with Path(file).open("rb") as opened:
        start = opened.read(_START)
    if is_tombstone(start):
        target = open_tombstone(file)
        pid = target.info().pid
        for thread in target.threads()[:1]:
            yield name, (pid, thread.tid) if isinstance(pid, int) else None
    elif start.startswith((elf.MAGIC, _MINIDUMP)):
        kind = elf.file_kind(start) if start.startswith(elf.MAGIC) else None
        if kind is None or kind.type == elf.ET_CORE:
            yield name, None
    elif is_text(start):
        for found, crash in _of_text(file, name):
            both = isinstance(crash.pid, int) and isinstance(crash.tid, int)
            yield found, (crash.pid, crash.tid) if both else None  # type: ignore[misc]
