"""Tells early, and in words, that a file is not what is to be opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtedbg.errors import FileFormatError, UsageError
from mtedbg.lab import paths
from mtedbg.lab.program import EM_AARCH64

# ELF header: type and machine, two bytes each, at the same place in both classes.
_ELF_MAGIC, _TYPE_OFFSET, _HEADER = b"\x7fELF", 16, 20
_ET_CORE, _EM_X86_64 = 4, 62


@dataclass(frozen=True, slots=True)
class _Elf:
    """What kind of ELF file something is."""

    type: int
    machine: int


def _elf(path: Path, next_step: str) -> _Elf:
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror}", next_step) from None
    if not head.startswith(_ELF_MAGIC) or len(head) < _HEADER:
        raise FileFormatError(f"{path} is not an ELF file", next_step)
    middle = _TYPE_OFFSET + 2
    return _Elf(
        int.from_bytes(head[_TYPE_OFFSET:middle], "little"),
        int.from_bytes(head[middle:], "little"),
    )


def _is_aarch64(elf: _Elf) -> bool:
    return elf.machine == int.from_bytes(EM_AARCH64, "little")


def core_file(name: str) -> Path:
    """The path of a core file of an AArch64 program.

    Raises:
        FileFormatError: it cannot be read, or is something else.
    """
    path, next_step = Path(name), "give the core file of an AArch64 Linux program"
    elf = _elf(path, next_step)
    if elf.type != _ET_CORE:
        raise FileFormatError(f"{path} is not a core file", next_step)
    if not _is_aarch64(elf):
        raise FileFormatError(f"{path} is a core file of another machine", next_step)
    return path


def program_file(name: str) -> Path:
    """The path of an AArch64 program or library, executable or not.

    Raises:
        FileFormatError: it cannot be read, or is something else.
    """
    path, next_step = Path(name), "give the path of an AArch64 program"
    elf = _elf(path, next_step)
    if elf.type == _ET_CORE:
        raise FileFormatError(f"{path} is a core file", f"open it with: --core {path}")
    if not _is_aarch64(elf):
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
            raise UsageError(f"there is no {name}", f"give a program's path, or one of: {known}")
        path = brought[name]
    next_step = "give a static x86-64 program"
    elf = _elf(path, next_step)
    if elf.machine != _EM_X86_64 and not _is_aarch64(elf):
        raise FileFormatError(f"{path} is a program of another machine", next_step)
    return path.absolute()


def needs_runtime(guest: Path) -> bool:
    """Whether `guest`, a result of `guest_file`, has to be translated."""
    return not _is_aarch64(_elf(guest, ""))
