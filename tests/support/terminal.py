"""A program at a real terminal: what a person sees, and types."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

LIMIT_S = 60.0
ENTER, TAB, CTRL_C, CTRL_D = "\r", "\t", "\x03", "\x04"
_SIZE = struct.pack("HHHH", 40, 160, 0, 0)
# "Where is the cursor?", without whose answer prompt_toolkit shows no toolbar; and "at the top".
_ASKED, _ANSWER = "\x1b[6n", "\x1b[1;1R"
_RIGHT = re.compile(r"\x1b\[(\d*)C")
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[=>])")


@dataclass
class Terminal:
    """The person's side of it.

    Args:
        process: the program.
        descriptor: of the terminal.
        seen: all that was shown so far.
    """

    process: subprocess.Popen[bytes]
    descriptor: int
    seen: str = ""
    _from: int = field(default=0)

    def type(self, text: str) -> None:
        """Presses keys."""
        os.write(self.descriptor, text.encode())

    def until(self, wanted: str) -> str:
        """What is shown up to `wanted`, colours and movements left out; the next call goes on."""
        deadline = time.monotonic() + LIMIT_S
        while (match := re.search(wanted, shown := self._new())) is None:
            assert self._more(deadline), f"{wanted!r} is not in {shown!r}"
        self._from += match.end()
        return shown[: match.end()]

    def _new(self) -> str:
        spaced = _RIGHT.sub(lambda move: " " * int(move[1] or 1), self.seen)
        return _ESCAPES.sub("", spaced)[self._from :]

    def _more(self, deadline: float) -> bool:
        if not select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:  # the program has closed it
            data = b""
        text = data.decode(errors="replace")
        self.seen += text
        self.type(_ANSWER * text.count(_ASKED))
        return bool(data)

    def status(self) -> int:
        """Its exit status, when it has ended."""
        deadline = time.monotonic() + LIMIT_S
        while self._more(deadline):
            pass
        return self.process.wait(timeout=LIMIT_S)


@contextlib.contextmanager
def at_a_terminal(
    words: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Starts a program at a terminal of its own; Ctrl-C is a signal there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, _SIZE)
    inherited = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(
        words,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm-256color", **(environment or {})},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.terminate()  # what it has started goes with it
        try:
            process.wait(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(ours)
