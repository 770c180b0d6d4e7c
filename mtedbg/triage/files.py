"""Which files are to be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mtedbg.adapters.core.below import is_plain
from mtedbg.adapters.inside import is_text, within
from mtedbg.adapters.unpacked import core_inside
from mtedbg.dataclass import dataclass
from mtedbg.errors import ToolMissingError, UsageError
from mtedbg.formats import elf
from mtedbg.formats.packed import may_be_crash
from mtedbg.system import READ
from mtedbg.triage.inside import crashes, may_hold

_START = 512


@dataclass(frozen=True, slots=True)
class Files:
    """What was found.

    Attributes:
        paths: absolute, each once, in order.
        skipped: how many files of folders are plainly something else.
        unreadable: folders that cannot be looked into, each with the reason.
    """

    paths: tuple[str, ...]
    skipped: int
    unreadable: tuple[str, ...] = ()


def find(places: Iterable[str]) -> Files:
    """The files at `places`, those in folders included.

    A file that is named is read whatever it is. Of those in folders, what calls itself a core or
    begins like one is; a program next to its core is not.

    Raises:
        UsageError: nothing is at one of the places.
    """
    paths: dict[str, None] = {}
    skipped = 0
    unreadable: list[str] = []
    for place in places:
        path = Path(place).absolute()
        if os.path.isdir(path):  # noqa: PTH112 - pathlib's raises for a name that is too long
            for name in _below(str(path), unreadable):
                start = _start_of(name)
                here: list[str] = []
                if _may_be(name, start):  # one that says that it is one is a row, whatever it is
                    here = crashes(name) or [name] * _is_named_so(name, start or b"")
                if _is_text_of_another(name):
                    here = []
                paths.update(dict.fromkeys(here))
                skipped += not here
        elif os.path.lexists(path):
            paths.update(dict.fromkeys(crashes(str(path)) or [str(path)]))
        elif within(str(path)) is not None:
            paths.setdefault(str(path))
        else:
            raise UsageError(f"{place}: no such file or folder", "give core files or their folders")
    return Files(tuple(paths), skipped, tuple(unreadable))


def _is_text_of_another(path: str) -> bool:
    """Whether it is the form for people of a tombstone that is here in its protobuf form too."""
    return "tombstone" in Path(path).name and os.path.lexists(f"{path}.pb")


def _below(folder: str, unreadable: list[str]) -> Iterator[str]:
    """The files below `folder`, sorted; links to folders are not followed."""

    def refused(error: OSError) -> None:
        unreadable.append(f"{error.filename} cannot be looked into: {error.strerror}")

    for here, folders, names in os.walk(folder, onerror=refused):
        folders.sort()
        for name in sorted(names):
            yield f"{here}/{name}"


def _start_of(path: str) -> bytes | None:
    """The first bytes of a file; None where they cannot be read."""
    if not is_plain(path):  # a link may lead to any device
        return None
    try:
        descriptor = os.open(path, READ)
    except OSError:
        return None
    try:
        return os.read(descriptor, _START)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _may_be(path: str, start: bytes | None) -> bool:
    if start is None:
        return _is_named_so(path, b"")
    if start.startswith(elf.MAGIC):
        kind = elf.file_kind(start)
        return kind is None or kind.type == elf.ET_CORE
    try:
        how, plain = core_inside(path, start)
    except ToolMissingError:
        return _is_named_so(path, start)
    if how:
        return may_be_crash(plain)
    return _is_named_so(path, start) or may_hold(path, start)


def _is_named_so(path: str, start: bytes) -> bool:
    """Whether it calls itself a crash; sources are called core.c as well."""
    name = Path(path).name.lower()
    return "tombstone" in name or ("core" in name and not is_text(start))
