"""The files of a profile's modules: those that were given, and those below a system root."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mtedbg.errors import FileFormatError, UsageError

if TYPE_CHECKING:
    from mtedbg.analysis.memops.module_names import ModuleNames
    from mtedbg.model.guest import GuestImage
    from mtedbg.model.profile import ProgramProfile

_FOLDERS = tuple(
    usr + name
    for usr in ("", "usr/", "usr/local/")
    for name in ("bin", "sbin", "lib", "lib64", "lib/x86_64-linux-gnu", "libexec")
)
_DEBUG_FILES = "usr/lib/debug/.build-id"


class Modules:
    """Where the modules of profiles are found.

    Args:
        given: files that the user named.
        sysroot: a folder that is laid out as a root file system, with their libraries.

    Raises:
        FileFormatError: a file that the user named is no program.
        UsageError: there is no such folder.
    """

    def __init__(self, given: list[str], sysroot: str | None) -> None:
        self._given = [(path, _image(path)) for path in given]
        self._sysroot = None if sysroot is None else Path(sysroot)
        if self._sysroot is not None and not self._sysroot.is_dir():
            raise UsageError(f"{sysroot} is not a folder", "give a root file system's folder")

    def __bool__(self) -> bool:
        return bool(self._given) or self._sysroot is not None

    def find(self, program: ProgramProfile) -> tuple[str, GuestImage] | None:
        """The path and the code of the file that a module's profile is of; None if not found.

        A file of the same name and another build is not it.
        """
        for path, image in self._given:
            if image.identity.same(program.identity):
                return path, image
        for candidate in self._below(program.name):
            try:
                image = _image(str(candidate))
            except FileFormatError:
                continue
            if image.identity.same(program.identity):
                return str(candidate), image
        return None

    def _below(self, name: str) -> list[Path]:
        if self._sysroot is None or not name or "/" in name or name in (".", ".."):
            return []
        places = (self._sysroot / folder / name for folder in _FOLDERS)
        return [place for place in places if place.is_file()]

    def names(self, program: ProgramProfile) -> ModuleNames:
        """What the module's file and its file of debug information tell; nothing if not found."""
        from mtedbg.adapters.file_bytes import open_file
        from mtedbg.analysis.memops.module_names import ModuleNames

        found = self.find(program)
        if found is None:
            return ModuleNames()
        paths = [found[0]]
        build_id = program.identity.build_id
        if self._sysroot is not None and len(build_id) > 2:
            debug = self._sysroot / _DEBUG_FILES / build_id[:2] / f"{build_id[2:]}.debug"
            paths += [str(debug)] if debug.is_file() else []
        return ModuleNames(*((path, open_file(path)) for path in paths))

    def missing(self, programs: tuple[ProgramProfile, ...]) -> tuple[str, ...]:
        """A line for each module whose file was looked for and not found."""
        if not self:
            return ()
        lost = [one for one in programs if self.find(one) is None]
        return tuple(
            f"{one.name}: its functions are not known: no file is of build {one.identity}"
            for one in lost
        )


def _image(path: str) -> GuestImage:
    from mtedbg.adapters.file_bytes import open_file
    from mtedbg.formats.guest_elf import guest_image

    return guest_image(open_file(path), path)
