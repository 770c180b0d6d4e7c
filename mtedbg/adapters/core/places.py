"""Where the files of a dead process may be: by the names that the core has, and by build id.

Local folders alone: nothing is ever asked of a network. A core may come from anybody, so that a
name in it opens nothing but regular files below a folder that the user named (`below.py`), and of
this machine's own files only those whose build id the core has: it is compared before any use.

Sources: GDB manual "Debugging Information in Separate Files" (.build-id folders);
debuginfod-client-config(7) (the cache's folder, BUILDID/executable and BUILDID/debuginfo in it).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from posixpath import dirname, join

from mtedbg.adapters.core.below import PATH_MAX, open_below
from mtedbg.adapters.core.kept import Kept
from mtedbg.adapters.file_bytes import FileBytes, bytes_of, open_file
from mtedbg.dataclass import dataclass, field
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf

_MOST_NEXT_TO = 256
"""Files next to a core whose build ids are looked at."""
_LEAST_BUILD_ID = 4
"""Hexadecimal digits: two name a folder, the rest the file in it."""
_NOT_FILES = ("dev", "proc", "sys")
"""Folders of this machine in which no program and no library is."""


@dataclass(frozen=True)
class Place:
    """Where a file may be.

    Attributes:
        path: of the file.
        root: the folder below which it must be; empty where the user's own word leads there, which
            may lead anywhere.
        name: its name below `root`.
        as_root: whether `root` is a file system's root, in which absolute links begin.
    """

    path: str
    root: str = ""
    name: str = ""
    as_root: bool = False

    def open(self) -> FileBytes:
        """The file, which nothing is known of yet.

        Raises:
            FileFormatError: it is not there, is not a regular file, or is not below `root`.
        """
        if not self.root:
            return open_file(self.path)
        try:
            return bytes_of(open_below(self.root, self.name, as_root=self.as_root), self.path)
        except OSError as error:
            raise FileFormatError(f"{self.path}: {error.strerror}", "name it: --exe FILE") from None
        except ValueError:
            raise FileFormatError(f"{self.path!r} is not a file name") from None


@dataclass(frozen=True)
class Places:
    """Where the files of a dead process are looked for.

    Attributes:
        core: path of the core; its folder is one of the places.
        sysroot: folder below which the paths of the core are; empty where the user named none, and
            then they are this machine's own where the build ids are the same.
        looked_for: whether they are looked for at all.
        environment: says where debuginfod's cache is.
        kept: files that were opened for the dead process before.
    """

    core: str
    sysroot: str
    looked_for: bool = True
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    kept: Kept = field(default_factory=Kept, compare=False)

    def of(self, name: str, build_id: str = "") -> list[Place]:
        """Where the file that the core calls `name` may be, whose build id may be known."""
        if not self.looked_for:
            return []
        return self.kept.places(
            (self._folder, self.sysroot, name, build_id), lambda: self._of(name, build_id)
        )

    def _of(self, name: str, build_id: str) -> list[Place]:
        found = self._by_name(name, build_id)
        if len(build_id) >= _LEAST_BUILD_ID:
            beside = self.kept.next_to(self._folder, self._next_to)
            found += beside.get(build_id, [])
            found += self._by_build_id(build_id, "", "executable")
        return list(dict.fromkeys(found))

    def debug_of(self, name: str, build_id: str) -> list[Place]:
        """Where a file with the symbols alone may be."""
        if not self.looked_for or len(build_id) < _LEAST_BUILD_ID:
            return []
        return self.kept.places(
            (self._folder, self.sysroot, name, build_id, "debug"),
            lambda: self._debug_of(name, build_id),
        )

    def _debug_of(self, name: str, build_id: str) -> list[Place]:
        found = list(self._by_build_id(build_id, ".debug", "debuginfo"))
        last = _parts(name)[-1:]
        return [*found, *(self._beside(f"{one}.debug") for one in last)]

    def linked(self, place: Place, name: str) -> list[Place]:
        """Where the file may be that a program or library names as the one with its symbols.

        Args:
            place: of the program or library.
            name: in its .gnu_debuglink; nothing is believed of it.
        """
        if not self.looked_for or "/" in name or name in ("", ".", ".."):
            return []
        return self.kept.places(
            (Places.linked, place, name, self.sysroot), lambda: self._linked(place, name)
        )

    def _linked(self, place: Place, name: str) -> list[Place]:
        folder = dirname(place.name) if place.root else ""
        root = place.root or _folder_of(place.path)
        found = []
        for each in (name, f".debug/{name}"):
            below = f"{folder}/{each}" if folder not in ("", ".") else each
            found.append(Place(_joined(root, below), root, below, place.as_root))
        if place.as_root:
            found.append(self._below(f"usr/lib/debug/{folder}/{name}"))
        return found

    def asks_for_sysroot(self, build_id: str) -> bool:
        """Whether this machine's file of that name is not looked at, for want of a build id."""
        return self.looked_for and not self.sysroot and len(build_id) < _LEAST_BUILD_ID

    @property
    def _folder(self) -> str:
        return _folder_of(self.core)

    def _beside(self, name: str) -> Place:
        return Place(_joined(self._folder, name), self._folder, name)

    def _by_name(self, name: str, build_id: str) -> list[Place]:
        parts = _parts(name)
        if not parts:
            return []
        beside = self._beside(parts[-1])
        if self.asks_for_sysroot(build_id) or (not self.sysroot and parts[0] in _NOT_FILES):
            return [beside]
        return [self._below("/".join(parts)), beside]

    def _below(self, name: str) -> Place:
        root = self.sysroot or "/"
        return Place(_joined(root, name), root, name, as_root=True)

    def _by_build_id(self, build_id: str, ending: str, cached: str) -> Iterator[Place]:
        split = f".build-id/{build_id[:2]}/{build_id[2:]}{ending}"
        yield self._beside(split)
        yield self._beside(f"debug/{split}")
        yield self._below(f"usr/lib/debug/{split}")
        for cache in _caches(self.environment):
            yield Place(join(cache, build_id, cached))

    def _next_to(self) -> dict[str, list[Place]]:
        """The ELF files next to the core, whatever they are called, by build id."""
        found: dict[str, list[Place]] = {}
        try:
            with os.scandir(self._folder) as entries:
                names = sorted(
                    entry.name for entry, _ in zip(entries, range(_MOST_NEXT_TO), strict=False)
                )
        except OSError:
            return found
        for name in names:
            place = self._beside(name)
            build_id = _build_id_of(place)
            if build_id:
                found.setdefault(build_id, []).append(place)
        return found


def _parts(name: str) -> tuple[str, ...]:
    """The components of an absolute file name; none where it can be no file's."""
    if len(name) >= PATH_MAX or not name.startswith("/"):
        return ()
    words = name.removesuffix(" (deleted)").split("/")
    parts = tuple(word for word in words if word not in ("", "."))
    return () if ".." in parts else parts


def _folder_of(path: str) -> str:
    return os.path.split(path)[0] or "."


def _joined(folder: str, name: str) -> str:
    """A path as people write it: without "./" before it."""
    return name if folder == "." else join(folder, name)


def _caches(environment: Mapping[str, str]) -> Iterator[str]:
    """The folders that debuginfod's client keeps files in."""
    if named := environment.get("DEBUGINFOD_CACHE_PATH"):
        yield named
        return
    home = environment.get("HOME", "")
    if base := environment.get("XDG_CACHE_HOME") or (home and f"{home}/.cache"):
        yield join(base, "debuginfod_client")
    if home:
        yield join(home, ".debuginfod_client_cache")


def _build_id_of(place: Place) -> str:
    """The build id of a program or library that a process here may have; empty of others."""
    try:
        data = place.open()
        header = elf.file_header(data, place.path)
        if header.type not in (elf.ET_EXEC, elf.ET_DYN):
            return ""
        if header.machine not in elf.PROGRAM_MACHINES:
            return ""
        headers, _ = elf.program_headers(data, header, place.path)
    except FileFormatError:
        return ""
    return elf.file_build_id(data, headers).hex()
