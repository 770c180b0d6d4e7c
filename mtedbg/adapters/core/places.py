"""Where the files of a dead process may be: by the names that the core has, and by build id.

Local folders alone: nothing is ever asked of a network. Sources: GDB manual "Debugging Information
in Separate Files" (.build-id folders); debuginfod-client-config(7) (the cache's folder,
BUILDID/executable and BUILDID/debuginfo in it).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath

from mtedbg.adapters.file_bytes import open_file
from mtedbg.dataclass import dataclass, field
from mtedbg.errors import FileFormatError
from mtedbg.formats import elf

_MOST_NEXT_TO = 256
"""Files next to a core whose build ids are looked at."""
_LEAST_BUILD_ID = 4
"""Hexadecimal digits: two name a folder, the rest the file in it."""


@dataclass(frozen=True)
class Places:
    """Where the files of a dead process are looked for.

    Attributes:
        core: path of the core; its folder is one of the places.
        sysroot: folder below which the paths of the core are; "/" where it was made here.
        looked_for: whether they are looked for at all.
        environment: says where debuginfod's cache is.
    """

    core: str
    sysroot: str
    looked_for: bool = True
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def of(self, name: str, build_id: str = "") -> list[str]:
        """Where the file that the core calls `name` may be, whose build id may be known."""
        if not self.looked_for:
            return []
        found = self._by_name(name)
        if len(build_id) >= _LEAST_BUILD_ID:
            found += self._next_to.get(build_id, [])
            found += [str(path) for path in self._by_build_id(build_id, "", "executable")]
        return list(dict.fromkeys(found))

    def debug_of(self, name: str, build_id: str) -> list[str]:
        """Where a file with the symbols alone may be."""
        if not self.looked_for or len(build_id) < _LEAST_BUILD_ID:
            return []
        found = [str(path) for path in self._by_build_id(build_id, ".debug", "debuginfo")]
        last = PurePosixPath(name).name
        return [*found, str(self._folder / f"{last}.debug")] if last else found

    @property
    def _folder(self) -> Path:
        return Path(self.core).parent

    def _by_name(self, name: str) -> list[str]:
        path = PurePosixPath(name.removesuffix(" (deleted)"))
        if not path.is_absolute() or not path.name or ".." in path.parts:
            return []
        there = Path(self.sysroot) / path.relative_to("/")
        return [str(there), str(self._folder / path.name)]

    def _by_build_id(self, build_id: str, ending: str, cached: str) -> Iterator[Path]:
        split = Path(build_id[:2]) / f"{build_id[2:]}{ending}"
        for root in (self._folder, self._folder / "debug", Path(self.sysroot) / "usr/lib/debug"):
            yield root / ".build-id" / split
        for cache in _caches(self.environment):
            yield cache / build_id / cached

    @cached_property
    def _next_to(self) -> dict[str, list[str]]:
        """The ELF files next to the core, whatever they are called, by build id."""
        found: dict[str, list[str]] = {}
        try:
            with os.scandir(self._folder) as entries:
                names = sorted(
                    entry.name for entry, _ in zip(entries, range(_MOST_NEXT_TO), strict=False)
                )
        except OSError:
            return found
        for name in names:
            path = str(self._folder / name)
            build_id = "" if name == Path(self.core).name else _build_id_of(path)
            if build_id:
                found.setdefault(build_id, []).append(path)
        return found


def _caches(environment: Mapping[str, str]) -> Iterator[Path]:
    """The folders that debuginfod's client keeps files in."""
    if named := environment.get("DEBUGINFOD_CACHE_PATH"):
        yield Path(named)
        return
    home = environment.get("HOME", "")
    if base := environment.get("XDG_CACHE_HOME") or (home and f"{home}/.cache"):
        yield Path(base) / "debuginfod_client"
    if home:
        yield Path(home) / ".debuginfod_client_cache"


def _build_id_of(path: str) -> str:
    """The build id of an AArch64 program or library; empty of any other file."""
    try:
        data = open_file(path)
        header = elf.file_header(data, path)
        if header.type not in (elf.ET_EXEC, elf.ET_DYN) or header.machine != elf.EM_AARCH64:
            return ""
        headers, _ = elf.program_headers(data, header, path)
    except FileFormatError:
        return ""
    return elf.file_build_id(data, headers).hex()
