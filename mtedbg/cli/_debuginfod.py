"""Whether debuginfod servers may be asked, and how far a file has come: for people at a terminal.

As GDB's `set debuginfod enabled`: `ask` asks once, where DEBUGINFOD_URLS is set and somebody is
there to answer; otherwise nobody is asked and nothing is loaded.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from mtedbg.adapters.core.debuginfod import Debuginfod

CHOICES = ("ask", "on", "off")
_WIDTH = 20
_EVERY_S = 0.1


def add_argument(parser: argparse.ArgumentParser) -> None:
    """The word that says it."""
    parser.add_argument(
        "--debuginfod",
        choices=CHOICES,
        default=CHOICES[0],
        help="get missing files from the servers of DEBUGINFOD_URLS (default: ask, at a terminal)",
    )


def client(choice: str) -> Debuginfod | None:
    """What asks the servers; None where none may be asked.

    Args:
        choice: one of `CHOICES`.
    """
    if choice == "off" or not os.environ.get("DEBUGINFOD_URLS", "").strip():
        return None
    if choice == "ask" and not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    from mtedbg.adapters.core.debuginfod import Debuginfod

    progress = _Bar() if sys.stderr.isatty() else _silent
    return Debuginfod(os.environ, _ask if choice == "ask" else _yes, progress)


def _yes(_urls: tuple[str, ...]) -> bool:
    return True


def _ask(urls: tuple[str, ...]) -> bool:
    sys.stdout.flush()
    servers = " ".join(urls)
    question = f"mtedbg: download missing debug files from {servers}? (y or [n]) "
    sys.stderr.write(question)
    sys.stderr.flush()
    answer = sys.stdin.readline().strip().lower()
    if answer not in ("y", "yes"):
        print("mtedbg: nothing is downloaded; --debuginfod off asks no more", file=sys.stderr)
        return False
    return True


def _silent(_what: str, _done: int, _total: int) -> None:
    pass


class _Bar:
    """One line on standard error, which is gone when the file is there."""

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        if total and done >= total:
            sys.stderr.write("\r\x1b[K")
        elif time.monotonic() - self._last >= _EVERY_S:
            self._last = time.monotonic()
            size = f"{done / (1 << 20):.1f} MiB"
            if total:
                filled = _WIDTH * done // total
                size = f"[{'#' * filled:<{_WIDTH}}] {size} of {total / (1 << 20):.1f} MiB"
            sys.stderr.write(f"\r\x1b[Kdownloading {_printable(what)} {size}")
        sys.stderr.flush()


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)[:60]
