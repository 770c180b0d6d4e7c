"""Writes the files that a command's user asked for."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from mtedbg.errors import DocumentError
from mtedbg.report import Document


def write(document: Document) -> str:
    """Writes a file whole or not at all, over what was there; returns a note about it.

    Raises:
        DocumentError: it cannot be written.
    """
    path = Path(document.path).expanduser()
    try:
        # In the same folder: a rename within one folder is atomic.
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name[:100]}-", encoding="utf-8", delete=False
        ) as file:
            name = Path(file.name)
            try:
                file.write(document.content)
                file.close()
                name.chmod(0o666 & ~_umask())
                name.replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    name.unlink()
                raise
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise DocumentError(f"{document.path} cannot be written: {why}", "name another") from None
    return f"written: {path}"


def _umask() -> int:
    """The process's umask; Linux tells it without changing it for other threads."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("\nUmask:")[2].split()[0], 8)
