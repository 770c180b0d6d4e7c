"""Telling a person what happens: headings, commands as they would be typed, their output."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from mtedbg.system import refuses_color

PATIENCE_S = 1.0
"""How long something may take before its progress is shown."""

_BOLD, _DIM, _RESET, _CLEAR = "\x1b[1m", "\x1b[2m", "\x1b[0m", "\r\x1b[K"


class Story:
    """What is shown, and where.

    Args:
        out: where it is printed.
        progress: where waiting is shown; rewritten in place on a terminal, a line elsewhere.
    """

    def __init__(self, out: TextIO = sys.stdout, progress: TextIO = sys.stderr) -> None:
        self._out = out
        self._progress = progress
        self._color = out.isatty() and not refuses_color()
        self._count = 0

    def heading(self, title: str, *why: str) -> None:
        """Begins a numbered step."""
        self._count += 1
        self._print(f"\n{self._styled(_BOLD, f'{self._count}. {title}')}")
        for line in why:
            self._print(f"   {line}")

    def say(self, text: str) -> None:
        """One remark."""
        self._print(f"\n{text}")

    def command(self, prompt: str, line: str, output: str) -> None:
        """A command as it would be typed, and what it printed."""
        self._print(f"\n{self._styled(_DIM, prompt)} {self._styled(_BOLD, line)}")
        if output.strip():
            self._print(output.strip("\n"))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Shows `what`, with the seconds, while the block takes longer than a second."""
        done = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(what, done), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            ticker.join()

    def _tick(self, what: str, done: threading.Event) -> None:
        start = time.monotonic()
        if done.wait(PATIENCE_S):
            return
        if not self._progress.isatty():
            print(f"   ({what} …)", file=self._progress, flush=True)
            return
        while True:
            seconds = time.monotonic() - start
            print(f"{_CLEAR}   {what} … {seconds:.0f} s", end="", file=self._progress, flush=True)
            if done.wait(PATIENCE_S):
                break
        print(_CLEAR, end="", file=self._progress, flush=True)

    def _styled(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self._color else text

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)
