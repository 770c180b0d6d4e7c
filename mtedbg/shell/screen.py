"""Where everything is printed: around the prompt, never into it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TextIO

from prompt_toolkit.application import in_terminal

from mtedbg.errors import MtedbgError
from mtedbg.render import clean

MAX_LINE = 1 << 16
"""Bytes of a program's line after which it is shown, ended or not."""

_PREFIX = "guest| "
_DIM, _RED, _RESET = "\x1b[2m", "\x1b[31m", "\x1b[0m"


class Screen:
    """The terminal, or what stands for it.

    Args:
        out: for what is answered.
        errors: for what goes wrong.
        color: whether that may be in colour.

    Attributes:
        prompting: whether a prompt is on the screen.
    """

    def __init__(self, out: TextIO, errors: TextIO, *, color: bool) -> None:
        self._out = out
        self._errors = errors
        self.color = color
        self.prompting: Callable[[], bool] = lambda: False
        self._waiting: list[tuple[TextIO, str]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._line = b""
        self._at_start = True

    def write(self, text: str) -> None:
        """Prints an answer, or a part of one."""
        self._put(self._out, text)

    def error(self, text: str) -> None:
        """Prints what a debugger refused a command with."""
        self._line_of(self._errors, self._styled(_RED, text))

    def trouble(self, error: MtedbgError) -> None:
        """Prints what is wrong and what to do, as the command line does."""
        lines = f"mtedbg: {error.message}"
        if error.next_step:
            lines += f"\n        {error.next_step}"
        self._line_of(self._errors, self._styled(_RED, lines))

    def remark(self, text: str) -> None:
        """Prints a remark that is not part of the output."""
        self._line_of(self._out, self._styled(_DIM, text))

    def fresh_line(self) -> None:
        """Ends the line that was begun, if one was."""
        if not self._at_start:
            self._put(self._out, "\n")

    def guest(self, data: bytes) -> None:
        """Takes what the program wrote; whole lines are printed."""
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > MAX_LINE:
            lines, self._line = [*lines, self._line], b""
        for line in lines:
            self._guest_line(line)

    def guest_so_far(self) -> None:
        """Prints what the program wrote of a line that it has not ended: it has stopped."""
        line, self._line = self._line, b""
        if line:
            self._guest_line(line)

    def _guest_line(self, line: bytes) -> None:
        text = clean(line.rstrip(b"\r").decode(errors="replace").expandtabs())
        self._line_of(self._out, self._styled(_DIM, _PREFIX) + text)

    def _styled(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self.color else text

    def _line_of(self, stream: TextIO, line: str) -> None:
        start = "" if self._at_start else "\n"
        self._put(stream, f"{start}{line}\n")

    def _put(self, stream: TextIO, text: str) -> None:
        if not text:
            return
        self._at_start = text.endswith("\n")
        if not self.prompting() and not self._waiting:
            print(text, end="", file=stream, flush=True)
            return
        self._waiting.append((stream, text))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._above_the_prompt())

    async def _above_the_prompt(self) -> None:
        async with in_terminal():
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for stream, text in waiting:
            print(text, end="", file=stream, flush=True)
        if not self._at_start and self.prompting():
            print(file=self._out, flush=True)
            self._at_start = True
