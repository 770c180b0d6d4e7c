"""Tells early, and in words, that a file is no AArch64 program: QEMU exits without any."""

import os
from pathlib import Path

from mtedbg.errors import FileFormatError
from mtedbg.formats import elf

_HEAD = 1 << 16
"""Bytes of a program in which linkers put its headers."""


def interpreter(program: Path) -> str:
    """The path of the loader that a program asks for; empty of a static one.

    Args:
        program: an ELF file that can be read.
    """
    with program.open("rb") as file:
        head = file.read(_HEAD)
    try:
        headers, _ = elf.program_headers(head, elf.file_header(head, program.name), program.name)
    except FileFormatError:
        return ""
    for one in headers:
        if one.type == elf.PT_INTERP:
            found = head[one.offset : one.offset + one.file_size]
            return os.fsdecode(found.partition(b"\0")[0])
    return ""


def checked(name: str | Path) -> Path:
    """The absolute path of the AArch64 program `name`; a link stays what it is called.

    Raises:
        FileFormatError: it cannot be read, or is something else.
    """
    path = Path(os.path.abspath(name))  # noqa: PTH100 - resolve() would follow the link
    try:
        with path.open("rb") as file:
            kind = elf.file_kind(file.read(elf.KIND_SIZE))
    except OSError as error:
        raise FileFormatError(
            f"{name}: {error.strerror}", "give the program's path: PATH is not searched"
        ) from error
    if kind is None or kind.machine != elf.EM_AARCH64:
        raise FileFormatError(
            f"{name} is not an AArch64 program", "compile it with: aarch64-linux-gnu-gcc"
        )
    if not os.access(path, os.X_OK):
        raise FileFormatError(f"{name} is not executable", f"chmod +x {name}")
    return path
