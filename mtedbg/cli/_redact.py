"""`--redact`: what is printed and written can be given to strangers."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from mtedbg.render.redact import Redactor


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Adds the option to a subcommand's parser."""
    parser.add_argument(
        "--redact",
        action="store_true",
        help="take out what is private: user and host names, folders, addresses (tags and distances"
        " are kept), text from memory",
    )
    parser.set_defaults(redactor=None)


class _Stream(io.TextIOBase):
    """A stream whose lines are redacted before they are written."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream = stream
        self._redactor = redactor
        self._line = ""

    def write(self, text: str) -> int:
        """Takes text in; whole lines are passed on."""
        lines, newline, rest = (self._line + text).rpartition("\n")
        self._line = rest
        if newline:
            self._stream.write(self._redactor.text(lines) + newline)
        return len(text)

    def flush(self) -> None:
        """Passes on what there is: a line without an end too."""
        if self._line:
            self._stream.write(self._redactor.text(self._line))
            self._line = ""
        self._stream.flush()

    def isatty(self) -> bool:
        """Whether a person reads it."""
        return self._stream.isatty()


@contextlib.contextmanager
def redacted(arguments: argparse.Namespace) -> Iterator[None]:
    """Redacts all output of a subcommand that was asked to, and says at its end what was taken out.

    `arguments.redactor` is for the files that the subcommand writes.
    """
    if not getattr(arguments, "redact", False):
        yield
        return
    from mtedbg.render.redact import Redactor

    redactor = arguments.redactor = Redactor(_private_names())
    redactor.know(_paths_in(arguments))
    out, errors = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Stream(out, redactor), _Stream(errors, redactor)
    try:
        yield
    finally:
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = out, errors
    print(f"mtedbg: {redactor.summary}", file=sys.stderr)


def private(arguments: argparse.Namespace, page: str) -> str:
    """What goes into a file: redacted where that was asked for."""
    return page if arguments.redactor is None else str(arguments.redactor.text(page))


def _private_names() -> list[str]:
    import getpass
    import socket

    names = [socket.gethostname()]
    with contextlib.suppress(KeyError, OSError, ImportError):  # no entry for this user
        names.append(getpass.getuser())
    return [name for name in names if name not in ("root", "localhost")]


def _paths_in(arguments: argparse.Namespace) -> Iterator[str]:
    import os

    for value in vars(arguments).values():
        for word in value if isinstance(value, list) else [value]:
            if isinstance(word, str) and "/" in word:
                yield os.path.abspath(word)  # noqa: PTH100 - a name, nothing to look up
                yield word
