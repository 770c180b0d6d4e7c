"""What some systems lack: the calls and flags that cores, texts and triage can do without.

Debuggers with our commands run on Linux, macOS and Windows; the standard library has on each what
the system has. Only Linux has /proc. What has no substitute is refused where it is needed, in one
line. Sources: the Python documentation of `os`, `resource` and `fcntl` ("Availability"); open(2).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mtedbg.errors import ToolMissingError, UsageError

if TYPE_CHECKING:  # opening a core is not to wait for it
    from pathlib import Path


def flags(*names: str) -> int:
    """The flags of open(2) with these names that this system has, as one number."""
    binary = getattr(os, "O_BINARY", 0)  # Windows: else line ends are changed
    found = binary
    for name in names:
        found |= getattr(os, name, 0)
    return found


READ = os.O_RDONLY | flags("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC")
"""To open what may be any file: no pipe is waited for, no terminal becomes ours."""


def refuses_color() -> bool:
    """Whether the terminal has no colours, or its user wants none (no-color.org)."""
    return os.environ.get("TERM", "dumb") == "dumb" or bool(os.environ.get("NO_COLOR"))


def home(instead: str) -> Path:
    """The user's home folder.

    A user without $HOME may have no entry among the users either: in containers, often.

    Args:
        instead: what to do where nothing says which it is.

    Raises:
        UsageError: nothing does.
    """
    from pathlib import Path

    try:
        return Path.home()
    except RuntimeError:
        raise UsageError("nothing says which folder is this user's home", instead) from None


def umask() -> int:
    """The process's umask: Linux tells it without changing it for other threads."""
    from pathlib import Path

    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("\nUmask:")[2].split()[0], 8)
    except (OSError, IndexError, ValueError):
        mask = os.umask(0o077)
        os.umask(mask)
        return mask


def set_mode(descriptor: int, mode: int) -> None:
    """Sets the permissions of an open file, where files have any."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def needs_unix(what: str) -> None:
    """Refuses what needs terminals of its own, descriptors for children, and signals.

    Args:
        what: it, as a user calls it.

    Raises:
        ToolMissingError: this is Windows.
    """
    try:
        import fcntl  # noqa: F401 - to know whether it can be
        import pty  # noqa: F401
    except ImportError:
        raise ToolMissingError(
            f"{what} needs Linux or macOS",
            "on Windows: mtedbg core, explain and triage, and mtedbg install for a debugger",
        ) from None
