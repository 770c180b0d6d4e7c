"""A dead process from whatever file it left: the one place that tells their formats apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtedbg.adapters.core import CoreTarget
from mtedbg.adapters.file_bytes import open_file
from mtedbg.adapters.inside import extracted, is_archive, is_text, several_in, within
from mtedbg.adapters.tombstone import is_tombstone
from mtedbg.adapters.unpacked import core_inside
from mtedbg.budget import Budget

if TYPE_CHECKING:
    from mtedbg.adapters.core.debuginfod import Debuginfod
    from mtedbg.adapters.core.kept import Kept
    from mtedbg.adapters.tombstone.target import TombstoneTarget

    DeadTarget = CoreTarget | TombstoneTarget

_START = 512


def open_dead(
    path: str,
    executable: str = "",
    sysroot: str = "",
    *,
    files: bool = True,
    kept: Kept | None = None,
    debuginfod: Debuginfod | None = None,
    budget: Budget | None = None,
) -> DeadTarget:
    """The target for a file of a dead process.

    Args:
        path: of an ELF core file or a minidump, of an Android tombstone in either form, or of a
            text about a crash; each may be compressed, and a core in a report of apport's.
            `FILE:LINE` is the crash that begins at a line of a text, `ARCHIVE:MEMBER` a file in a
            zip archive.
        executable: path of its program; empty to look where the file says it was.
        sysroot: folder below which its paths are; empty where the user named none, and
            this machine's files are then used if their build ids are the same.
        files: whether its program and libraries are looked for.
        kept: files that were opened for another one; nothing where this is the only one.
        debuginfod: asks servers for what is nowhere else; None where none is asked.
        budget: what may be read; a usual one where None.

    Raises:
        FileFormatError: its format is not known, or nothing can be read of it.
        ToolMissingError: it is compressed, and the library for that is not here.
    """
    inside = within(path)
    if inside is not None:
        return _open_inside(*inside, executable, budget)
    _, start = core_inside(path, open_file(path)[:_START])
    if is_tombstone(start):
        from mtedbg.adapters.tombstone.target import open_tombstone

        return open_tombstone(path, executable)
    if is_text(start):
        from mtedbg.adapters.text_target import open_text

        return open_text(path)
    if is_archive(start):
        raise several_in(path)
    return CoreTarget(
        path,
        executable,
        sysroot,
        files=files,
        kept=kept,
        debuginfod=debuginfod,
        budget=budget,
    )


def _open_inside(path: str, inner: str, executable: str, budget: Budget | None) -> DeadTarget:
    """What is inside of a file: a member of an archive, a crash of a text."""
    if inner.isdigit():
        from mtedbg.adapters.text_target import open_text

        return open_text(path, int(inner))
    with extracted(path, inner) as (name, rest):
        return open_dead(f"{name}:{rest}" if rest else name, executable, budget=budget)
