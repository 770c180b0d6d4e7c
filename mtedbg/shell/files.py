"""Tells early, and in words, that a file is not what is to be opened."""

from __future__ import annotations

from pathlib import Path

from mtedbg.errors import FileFormatError, UsageError
from mtedbg.formats import elf
from mtedbg.lab import paths


def _kind(path: Path, next_step: str) -> elf.FileKind:
    try:
        with path.open("rb") as file:
            kind = elf.file_kind(file.read(elf.KIND_SIZE))
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror}", next_step) from None
    if kind is None:
        raise FileFormatError(f"{path} is not an ELF file", next_step)
    return kind


def core_file(name: str) -> Path:
    """The path of a core file of an AArch64 program.

    Raises:
        FileFormatError: it cannot be read, or is something else.
    """
    path, next_step = Path(name), "give the core file of an AArch64 Linux program"
    kind = _kind(path, next_step)
    if kind.type != elf.ET_CORE:
        raise FileFormatError(f"{path} is not a core file", next_step)
    if kind.machine != elf.EM_AARCH64:
        raise FileFormatError(f"{path} is a core file of another architecture", next_step)
    return path


def program_file(name: str) -> Path:
    """The path of an AArch64 program or library, executable or not.

    Raises:
        FileFormatError: it cannot be read, or is something else.
    """
    path, next_step = Path(name), "give the path of an AArch64 program"
    kind = _kind(path, next_step)
    if kind.type == elf.ET_CORE:
        raise FileFormatError(f"{path} is a core file", f"open it with: --core {path}")
    if kind.machine != elf.EM_AARCH64:
        raise FileFormatError(f"{path} is not an AArch64 program", next_step)
    return path


def guest_file(name: str) -> Path:
    """The path of a guest: an x86-64 program, or an AArch64 one, which needs no runtime.

    Args:
        name: a path, or the name of one of the guests that come with mtedbg.

    Raises:
        FileFormatError: it cannot be read, or is something else.
        UsageError: there is no such file and no such guest.
    """
    path = Path(name)
    if not path.exists():
        brought = {guest.stem: guest for guest in paths.guests().glob("*.elf")}
        if name not in brought:
            known = ", ".join(sorted(brought))
            raise UsageError(
                f"there is no file or guest {name}", f"give a program's path, or one of: {known}"
            )
        path = brought[name]
    next_step = "give a static x86-64 program"
    kind = _kind(path, next_step)
    if kind.machine not in (elf.EM_X86_64, elf.EM_AARCH64):
        raise FileFormatError(f"{path} is a program for another architecture", next_step)
    return path.absolute()


def needs_runtime(guest: Path) -> bool:
    """Whether `guest`, a result of `guest_file`, has to be translated."""
    return _kind(guest, "").machine != elf.EM_AARCH64
