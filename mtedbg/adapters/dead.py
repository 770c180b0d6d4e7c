"""A dead process from whatever file it left: the one place that tells their formats apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.file_bytes import open_file
from mtedbg.adapters.tombstone import is_tombstone, is_tombstone_text
from mtedbg.adapters.unpacked import first_bytes
from mtedbg.errors import FileFormatError
from mtedbg.formats.packed import packed_with

if TYPE_CHECKING:
    from mtedbg.adapters.core.kept import Kept
    from mtedbg.adapters.tombstone.target import TombstoneTarget

    DeadTarget = CoreTarget | TombstoneTarget

_START = 16


def open_dead(
    path: str,
    executable: str = "",
    sysroot: str = "",
    *,
    files: bool = True,
    kept: Kept | None = None,
) -> DeadTarget:
    """The target for a file of a dead process.

    Args:
        path: of an ELF core file or a minidump, or of an Android tombstone in its protobuf form;
            each may be compressed.
        executable: path of its program; empty to look where the file says it was.
        sysroot: folder below which its paths are; empty where the user named none, and
            this machine's files are then used if their build ids are the same.
        files: whether its program and libraries are looked for.
        kept: files that were opened for another one; nothing where this is the only one.

    Raises:
        FileFormatError: its format is not known, or nothing can be read of it.
        ToolMissingError: it is compressed, and the library for that is not here.
    """
    start = open_file(path)[:_START]
    if how := packed_with(start):
        start = first_bytes(path, how, _START)
    if is_tombstone(start):
        from mtedbg.adapters.tombstone.target import TombstoneTarget

        return TombstoneTarget(path, executable)
    if is_tombstone_text(start):
        raise FileFormatError(
            f"{path} is a text tombstone, which has no memory and no tags",
            "give the file with the same name plus .pb",
        )
    return CoreTarget(path, executable, sysroot, files=files, kept=kept)
