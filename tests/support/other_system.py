"""The program `mtedbg` as on a system that is not Linux: modules, calls and flags are taken away.

`python -m tests.support.other_system WORDS…`; `OTHER_SYSTEM` says which system. What macOS and
Windows lack is from the availability notes of Python's documentation. That there is no /proc is for
whoever starts it: in a mount namespace of its own.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

VARIABLE = "OTHER_SYSTEM"
LACKING = {
    "macos": (
        (),
        ("O_PATH", "pidfd_open", "setxattr", "removexattr", "getxattr", "sched_getaffinity"),
        (),
    ),
    "windows": (
        ("fcntl", "pty", "termios", "tty", "resource", "pwd", "grp", "multiprocessing.forkserver"),
        (
            *("O_PATH", "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC"),
            *("pread", "fchmod", "fchown", "chown", "geteuid", "getuid", "pidfd_open", "setxattr"),
            *("removexattr", "getxattr", "sendfile", "SEEK_DATA", "SEEK_HOLE", "openpty"),
            *("sched_getaffinity", "ttyname", "mkfifo", "killpg", "getpgid", "memfd_create"),
        ),
        ("SIGPROF", "SIGHUP", "SIGALRM", "SIGUSR1", "setitimer", "ITIMER_PROF"),
    ),
}
"""Modules, names of `os`, names of `signal`."""


class _Hidden:
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in self._names:
            raise ImportError(f"No module named {name!r}", name=name)
        return None


def take_away(system: str) -> None:
    """Takes away what a system lacks."""
    modules, of_os, of_signal = LACKING[system]
    for name in modules:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Hidden(modules))  # type: ignore[arg-type]
    for module, names in ((os, of_os), (signal, of_signal)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    if system == "windows":
        os.supports_dir_fd = set()
        import multiprocessing
        from multiprocessing import context

        context._concrete_contexts.pop("forkserver", None)  # type: ignore[attr-defined]
        multiprocessing.get_all_start_methods = lambda: ["spawn"]  # type: ignore[assignment]


# When this is imported, not called: processes that are spawned import it as their main module.
if VARIABLE in os.environ:
    take_away(os.environ[VARIABLE])

if __name__ == "__main__":
    from mtedbg.cli import main

    sys.exit(main())
