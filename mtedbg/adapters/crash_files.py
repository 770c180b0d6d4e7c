"""The crashes in a file, whatever it is: a text, a tombstone, an archive of all of them.

Of an archive (a bugreport is one device's) the two forms of one tombstone, and the log's lines
about it, are one crash: the tombstones are read first, and what has the same process and thread is
theirs, unless time, signal or address differ: ids are used again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import PurePosixPath

from mtedbg.adapters.crash_texts import Advance, crashes_in_file
from mtedbg.adapters.file_bytes import open_file, open_stream
from mtedbg.adapters.inside import extracted, is_archive, is_text, members
from mtedbg.adapters.tombstone import is_tombstone
from mtedbg.errors import MtedbgError
from mtedbg.formats import elf
from mtedbg.formats.texts.as_tombstone import as_text
from mtedbg.formats.texts.same_crash import Crash, are_one, crash_of
from mtedbg.formats.tombstone import from_protobuf
from mtedbg.model.crash_text import CrashText

MOST_TOMBSTONE = 1 << 25
MOST_ALIKE = 256
"""Crashes of one process and thread that are compared."""
MINIDUMP = b"MDMP"
START = 512

Found = tuple[str, CrashText | None]
"""The name that opens a crash, and what it says; None of a core file or a minidump."""


def crashes_in(path: str, advance: Advance = lambda _: None) -> Iterator[Found]:
    """The crashes in a file, in their order.

    Args:
        path: of the file.
        advance: is called with how many bytes of a text were read.

    Raises:
        FileFormatError: it is damaged, or cannot be read.
    """
    start = _start(path)
    if is_archive(start):
        yield from _of_archive(path)
    elif is_tombstone(start):
        yield path, _tombstone(path)
    else:
        yield from _of_text(path, path, advance)


def _start(path: str) -> bytes:
    with open_stream(path) as file:
        return file.read(START)


def _tombstone(path: str) -> CrashText:
    return as_text(from_protobuf(open_file(path)[:MOST_TOMBSTONE], path))


def _of_text(path: str, name: str, advance: Advance = lambda _: None) -> Iterator[Found]:
    """The crashes of a text; the only one has the text's own name."""
    first: CrashText | None = None
    several = False
    for crash in crashes_in_file(path, advance):
        if first is None:
            first = crash
            continue
        if not several:
            yield f"{name}:{first.line}", first
            several = True
        yield f"{name}:{crash.line}", crash
    if first is not None and not several:
        yield name, first


def _of_archive(path: str) -> Iterator[Found]:
    names = sorted(members(path), key=_rank)
    there = frozenset(names)
    seen: dict[tuple[int, int], list[Crash]] = {}
    for name in names:
        if f"{name}.pb" in there and "tombstone" in PurePosixPath(name).name:
            continue
        with ExitStack() as stack:
            try:
                file, rest = stack.enter_context(extracted(path, name))
                while rest:
                    file, rest = stack.enter_context(extracted(file, rest))
                for found, crash in _of_member(file, name):
                    if crash is None or _is_new(crash, seen):
                        yield f"{path}:{found}", crash
            except MtedbgError:
                continue


def _is_new(text: CrashText, seen: dict[tuple[int, int], list[Crash]]) -> bool:
    """Whether a crash was not told of before; it is kept with those that were."""
    crash = crash_of(text)
    if crash is None:
        return True
    known = seen.setdefault((crash.pid, crash.tid), [])
    if any(are_one(one, crash) for one in known):
        return False
    if len(known) < MOST_ALIKE:
        known.append(crash)
    return True


def _rank(name: str) -> tuple[int, str]:
    last = PurePosixPath(name).name.lower()
    return (0 if last.endswith(".pb") else 1 if "tombstone" in last else 2, name)


def _of_member(file: str, name: str) -> Iterator[Found]:
    start = _start(file)
    if is_tombstone(start):
        yield name, _tombstone(file)
    elif start.startswith((elf.MAGIC, MINIDUMP)):
        kind = elf.file_kind(start) if start.startswith(elf.MAGIC) else None
        if kind is None or kind.type == elf.ET_CORE:
            yield name, None
    elif is_text(start):
        yield from _of_text(file, name)
