"""A dead process from whatever file it left: the one place that tells their formats apart."""

from __future__ import annotations

from mtedbg.adapters.core import CoreTarget


def open_dead(
    path: str, executable: str = "", sysroot: str = "/", *, files: bool = True
) -> CoreTarget:
    """The target for a file of a dead process.

    Args:
        path: of an ELF core file, which may be compressed.
        executable: path of its program; empty to look where the file says it was.
        sysroot: folder below which its paths are; "/" where it was made here.
        files: whether its program and libraries are looked for.

    Raises:
        FileFormatError: it is none that is known, or nothing can be read of it.
        ToolMissingError: it is compressed, and the library for that is not here.
    """
    return CoreTarget(path, executable, sysroot, files=files)
