"""Files of a profile's modules: given, below a system root, or where they were when they ran."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mtedbg.errors import FileFormatError, UsageError

if TYPE_CHECKING:
    from mtedbg.analysis.memops.module_names import ModuleNames
    from mtedbg.model.guest import GuestImage
    from mtedbg.model.profile import ModuleIdentity, ProgramProfile

_FOLDERS = tuple(
    usr + name
    for usr in ("", "usr/", "usr/local/")
    for name in ("bin", "sbin", "lib", "lib64", "lib/x86_64-linux-gnu", "libexec")
)
_MOST_NAMED = 5
_DEBUG_FILES = "usr/lib/debug/.build-id"


class Modules:
    """Where the modules of profiles are found.

    Args:
        given: files that the user named.
        sysroot: a folder that is laid out as a root file system, with their libraries. None: files
            are looked for where the profile has it that they were.

    Raises:
        FileFormatError: a file that the user named is no program.
        UsageError: there is no such folder.
    """

    def __init__(self, given: list[str], sysroot: str | None) -> None:
        self._given = [(path, _image(path)) for path in given]
        self._sysroot = None if sysroot is None else Path(sysroot)
        self._found: dict[tuple[str, str, ModuleIdentity], tuple[str, GuestImage] | None] = {}
        if self._sysroot is not None and not self._sysroot.is_dir():
            raise UsageError(f"{sysroot} is not a folder", "give a root file system's folder")

    def __bool__(self) -> bool:
        return bool(self._given) or self._sysroot is not None

    def find(self, program: ProgramProfile) -> tuple[str, GuestImage] | None:
        """The path and the code of the file that a module's profile is of; None if not found.

        A file of the same name and another build is not it.
        """
        key = program.name, program.path, program.identity
        if key not in self._found:
            self._found[key] = self._look_for(program)
        return self._found[key]

    def _look_for(self, program: ProgramProfile) -> tuple[str, GuestImage] | None:
        for path, image in self._given:
            if image.identity.same(program.identity):
                return path, image
        for candidate in self._places(program):
            try:
                image = _image(str(candidate))
            except FileFormatError:
                continue
            if image.identity.same(program.identity):
                return str(candidate), image
        return None

    def _places(self, program: ProgramProfile) -> list[Path]:
        if program.is_anonymous or "\0" in program.name + program.path:
            return []
        places = []
        if self._sysroot is None and program.path.startswith("/"):
            places.append(Path(program.path))
        elif self._sysroot is not None:
            inside = [program.path] if program.path.startswith("/") else []
            if program.name and "/" not in program.name:
                inside += [f"{folder}/{program.name}" for folder in _FOLDERS]
            places += [self._sysroot / one.lstrip("/") for one in inside if ".." not in one]
        return [place for place in places if place.is_file()]

    def not_executable(self, programs: Iterable[ProgramProfile]) -> tuple[str, ...]:
        """The names of modules whose files their owners may not execute."""
        found = ((one.name, self.find(one)) for one in programs)
        return tuple(
            name
            for name, at in found
            if at is not None and not Path(at[0]).stat().st_mode & stat.S_IXUSR
        )

    def names(self, program: ProgramProfile) -> ModuleNames:
        """What the module's file and its file of debug information tell; nothing if not found."""
        from mtedbg.adapters.file_bytes import open_file
        from mtedbg.analysis.memops.module_names import ModuleNames

        found = self.find(program)
        if found is None:
            return ModuleNames()
        debug = self._debug_file(program)
        paths = [found[0], *([str(debug)] if debug is not None and debug.is_file() else [])]
        return ModuleNames(*((path, open_file(path)) for path in paths))

    def _debug_file(self, program: ProgramProfile) -> Path | None:
        """Where a package has its debug information; None of one without a build id."""
        build_id = program.identity.build_id
        if len(build_id) <= 2:
            return None
        folder = (self._sysroot or Path("/")) / _DEBUG_FILES / build_id[:2]
        return folder / f"{build_id[2:]}.debug"

    def stripped(self, programs: Iterable[ProgramProfile]) -> tuple[str, ...]:
        """A line that names the modules whose files have no symbol table, nor a debug file here."""
        places = ((one.name, self.find(one), self._debug_file(one)) for one in programs)
        names = [
            name
            for name, found, debug in places
            if found is not None
            and debug is not None
            and not debug.is_file()
            and not _has_symbols(found[0])
        ]
        if not names:
            return ()
        said = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
        folder = (self._sysroot or Path("/")) / _DEBUG_FILES
        return (
            f"functions without names are of stripped files: {said}; packages with -dbg or -dbgsym "
            f"in their names put the names below {folder}",
        )

    def missing(self, programs: tuple[ProgramProfile, ...]) -> tuple[str, ...]:
        """A line for each module of which functions and lines are not known, and why."""
        lost = [one for one in programs if one.memops and self.find(one) is None]
        said = (
            f"{one.name}: code of no file, at the addresses of one run: it has no names"
            if one.is_anonymous
            else f"{one.name}: its functions are not known: no file is of build {one.identity}"
            for one in lost
        )
        return tuple(dict.fromkeys(said))


def _has_symbols(path: str) -> bool:
    """Whether a file that was read as a program has names of all its functions."""
    from mtedbg.adapters.file_bytes import open_file
    from mtedbg.formats import elf

    data = open_file(path)
    header = elf.file_header(data, path)
    return any(one.type == elf.SHT_SYMTAB for one in elf.sections(data, header))


def _image(path: str) -> GuestImage:
    from mtedbg.adapters.file_bytes import open_file
    from mtedbg.formats.guest_elf import guest_image

    return guest_image(open_file(path), path)
