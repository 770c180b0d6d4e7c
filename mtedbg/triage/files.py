"""Which files are to be read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mtedbg.adapters.core.below import is_plain
from mtedbg.adapters.inside import within
from mtedbg.dataclass import dataclass
from mtedbg.errors import UsageError
from mtedbg.formats import elf
from mtedbg.formats.packed import packed_with
from mtedbg.triage.inside import crashes, may_hold

_NAMES = ("core", "tombstone")
_START = 512


@dataclass(frozen=True, slots=True)
class Files:
    """What was found.

    Attributes:
        paths: absolute, each once, in order.
        skipped: how many files of folders are plainly something else.
    """

    paths: tuple[str, ...]
    skipped: int


def find(places: Iterable[str]) -> Files:
    """The files at `places`, those in folders included.

    A file that is named is read whatever it is. Of those in folders, what calls itself a core or
    begins like one is; a program next to its core is not.

    Raises:
        UsageError: nothing is at one of the places.
    """
    paths: dict[str, None] = {}
    skipped = 0
    for place in places:
        path = Path(place).absolute()
        if os.path.isdir(path):  # noqa: PTH112 - pathlib's raises for a name that is too long
            for name in _below(str(path)):
                found = crashes(name) if _may_be(name) else []
                if not found and _is_named_so(name):
                    found = [name]  # it says that it is one: what is wrong with it is a row
                if _is_text_of_another(name):
                    found = []
                paths.update(dict.fromkeys(found))
                skipped += not found
        elif os.path.lexists(path):
            paths.update(dict.fromkeys(crashes(str(path)) or [str(path)]))
        elif within(str(path)) is not None:
            paths.setdefault(str(path))
        else:
            raise UsageError(f"{place}: no such file or folder", "give core files or their folders")
    return Files(tuple(paths), skipped)


def _is_text_of_another(path: str) -> bool:
    """Whether it is the form for people of a tombstone that is here in its protobuf form too."""
    return "tombstone" in Path(path).name and os.path.lexists(f"{path}.pb")


def _below(folder: str) -> Iterator[str]:
    """The files below `folder`, sorted; links to folders are not followed."""
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield f"{here}/{name}"


def _may_be(path: str) -> bool:
    if not is_plain(path):  # a link may lead to any device
        return _is_named_so(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return _is_named_so(path)
    try:
        start = os.read(descriptor, _START)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    if start.startswith(elf.MAGIC):
        kind = elf.file_kind(start)
        return kind is None or kind.type == elf.ET_CORE
    return bool(packed_with(start)) or _is_named_so(path) or may_hold(path, start)


def _is_named_so(path: str) -> bool:
    name = Path(path).name.lower()
    return any(word in name for word in _NAMES)
